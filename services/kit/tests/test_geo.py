"""Distances on Earth, against published ones."""

import math

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from services.kit.geo import EARTH_RADIUS_M, Position, distance_m

positions = st.builds(Position, lat=st.floats(-90, 90), lon=st.floats(-180, 180))


def test_a_known_distance():
    # A common example: the airports of Nashville and Los Angeles, 2886.4 km for R = 6371 km.
    nashville = Position(lat=36.12, lon=-86.67)
    los_angeles = Position(lat=33.94, lon=-118.40)

    assert distance_m(nashville, los_angeles) == pytest.approx(2_886_448, abs=10)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [((90, 0), (-90, 0), 1), ((0, 0), (0, 180), 1), ((0, 0), (0, 90), 0.5), ((90, 0), (90, 99), 0)],
)
def test_shares_of_half_the_circumference(a, b, share):
    there, here = Position(lat=a[0], lon=a[1]), Position(lat=b[0], lon=b[1])

    assert distance_m(there, here) == pytest.approx(share * math.pi * EARTH_RADIUS_M, abs=0.01)


def test_the_date_line_is_no_obstacle():
    assert distance_m(Position(lat=0, lon=179.9), Position(lat=0, lon=-179.9)) < 23_000


@given(positions, positions)
def test_it_is_a_distance(a, b):
    assert distance_m(a, a) == 0
    assert distance_m(a, b) == distance_m(b, a)
    assert 0 <= distance_m(a, b) <= math.pi * EARTH_RADIUS_M


@pytest.mark.parametrize("lat", [90.1, -91, math.nan, math.inf, "north"])
def test_a_latitude_off_the_globe_is_refused(lat):
    with pytest.raises(ValidationError):
        Position(lat=lat, lon=0)
