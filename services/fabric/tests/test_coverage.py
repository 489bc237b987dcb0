"""The area a network watches."""

from math import acos, cos, pi, sqrt

import pytest
from hypothesis import given, strategies as st

from services.fabric.coverage import area_km2
from services.kit.geo import EARTH_RADIUS_M, Position

PLACES = st.builds(Position, lat=st.floats(-90, 90), lon=st.floats(-180, 180))
EARTH_KM2 = 4 * pi * (EARTH_RADIUS_M / 1000) ** 2
RADII_M = st.floats(10, 3_000_000)


def cap_km2(radius_m):
    """The part of a sphere within a distance along the ground of a point, exactly."""
    return 2 * pi * (EARTH_RADIUS_M / 1000) ** 2 * (1 - cos(radius_m / EARTH_RADIUS_M))


def test_no_discs_cover_nothing():
    assert area_km2([]) == 0


def test_a_disc_without_radius_covers_nothing():
    assert area_km2([(Position(lat=1, lon=2), 0)]) == 0


@given(PLACES, st.floats(100, 50_000))
def test_a_small_disc_covers_pi_r_squared(place, radius_m):
    assert area_km2([(place, radius_m)]) == pytest.approx(pi * (radius_m / 1000) ** 2, rel=1e-5)


@given(PLACES, RADII_M)
def test_a_disc_covers_its_part_of_the_sphere(place, radius_m):
    assert area_km2([(place, radius_m)]) == pytest.approx(cap_km2(radius_m), rel=1e-3)


@given(PLACES, RADII_M)
def test_a_second_node_at_the_same_place_adds_nothing(place, radius_m):
    disc = (place, radius_m)

    assert area_km2([disc, disc]) == pytest.approx(area_km2([disc]), rel=1e-9)


@given(PLACES, RADII_M, PLACES, RADII_M)
def test_two_discs_cover_no_less_than_the_larger_and_no_more_than_both(a, radius_a, b, radius_b):
    both = area_km2([(a, radius_a), (b, radius_b)])
    alone = cap_km2(radius_a), cap_km2(radius_b)

    assert max(alone) - EARTH_KM2 / 1000 <= both <= sum(alone) + EARTH_KM2 / 1000


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param((0, 179.99), (0, -179.99), id="across the antimeridian"),
        pytest.param((89.99, 0), (89.99, 180), id="across the pole"),
        pytest.param((0, -0.01), (0, 0.01), id="elsewhere"),
    ],
)
def test_two_discs_overlap_alike_wherever_they_are(a, b):
    discs = [(Position(lat=lat, lon=lon), 5_000) for lat, lon in (a, b)]
    distance_km = EARTH_RADIUS_M / 1000 * 0.02 * pi / 180

    # The area of two circles of radius r whose centres are d apart: the caps beyond both chords.
    lens = 2 * 25 * acos(distance_km / 10) - distance_km / 2 * sqrt(100 - distance_km**2)
    assert area_km2(discs) == pytest.approx(2 * pi * 25 - lens, rel=1e-3)


def test_discs_on_opposite_sides_of_the_earth_add_up():
    discs = [(Position(lat=10, lon=20), 2e6), (Position(lat=-10, lon=-160), 1e6)]

    expected = cap_km2(2e6) + cap_km2(1e6)
    assert area_km2(discs) == pytest.approx(expected, abs=EARTH_KM2 / 1000)


def test_discs_all_around_cover_the_whole_earth():
    discs = [
        (Position(lat=lat, lon=lon), 3e6)
        for lat in (-75, -45, -15, 15, 45, 75)
        for lon in range(-180, 180, 30)
    ]

    assert area_km2(discs) == pytest.approx(EARTH_KM2, rel=1e-3)
