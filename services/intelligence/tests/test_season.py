from datetime import UTC, date, datetime, timedelta

import pytest

from services.intelligence.fwi import SEASON_START, Weather, daily_indices
from services.intelligence.season import LONGEST_GAP, Day, carried, from_noon, solar_time

DRY = Weather(temperature_c=25, humidity_pct=30, wind_kmh=15, rain_mm=0)


def days(*dates: date) -> list[Day]:
    return [Day(day, 46.0, DRY) for day in dates]


def test_each_day_starts_from_the_moisture_of_the_day_before():
    first, second = (
        indices for _, indices in carried(days(date(2026, 7, 1), date(2026, 7, 2)), None)
    )

    assert first == daily_indices(SEASON_START, DRY, month=7, latitude=46.0)
    assert second == daily_indices(first.moisture, DRY, month=7, latitude=46.0)


def test_days_without_readings_leave_the_codes_as_they_were():
    last = date(2026, 7, 1) + LONGEST_GAP
    (_, first), (_, second) = carried(days(date(2026, 7, 1), last), None)

    assert second == daily_indices(first.moisture, DRY, month=7, latitude=46.0)


def test_after_a_long_gap_the_season_starts_again():
    last = date(2026, 7, 1) + LONGEST_GAP + timedelta(days=1)
    (_, first), (_, second) = carried(days(date(2026, 7, 1), last), None)

    assert second == first


def test_days_go_on_from_what_was_known_before():
    (_, first), (_, second) = carried(days(date(2026, 7, 1), date(2026, 7, 2)), None)

    resumed = list(carried(days(date(2026, 7, 2)), (date(2026, 7, 1), first.moisture)))

    assert resumed == [(date(2026, 7, 2), second)]


@pytest.mark.parametrize(
    ("lon", "hour", "expected"),
    [(0, 12, 0), (0, 15, 3), (90, 6, 0), (-75, 17, 0), (-75, 12, 5), (180, 0, 0)],
)
def test_noon_is_when_the_mean_sun_is_highest(lon, hour, expected):
    at = datetime(2026, 7, 1, hour, tzinfo=UTC)

    assert from_noon(at, lon) == timedelta(hours=expected)


def test_the_day_is_the_local_one():
    assert solar_time(datetime(2026, 7, 1, 23, tzinfo=UTC), 150.0).date() == date(2026, 7, 2)
