"""Moisture codes carried from day to day at one station, from whatever readings it sent; pure.

The index system wants one noon reading a day. Of several readings the one nearest to local noon
counts, noon being when the mean sun is highest at the station's longitude; a station that only
reports at another hour still counts, since a rough danger is better than none. A day without
readings leaves the codes as they were, and after a gap of more than `LONGEST_GAP` they begin
again with the season's standard values.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.intelligence.fwi import SEASON_START, Indices, Moisture, Weather, daily_indices

# Past this the duff's memory (a time lag of twelve days, Van Wagner 1987) is mostly guesswork.
LONGEST_GAP = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Day:
    """A station's day, represented by its reading nearest to noon."""

    date: date
    lat: float
    weather: Weather


def solar_time(at: datetime, lon: float) -> datetime:
    """Mean local time: one hour for every 15 degrees east."""
    return at + timedelta(hours=lon / 15.0)


def from_noon(at: datetime, lon: float) -> timedelta:
    """How far `at` is from the local noon of its day."""
    local = solar_time(at, lon)
    return abs(local - local.replace(hour=12, minute=0, second=0, microsecond=0))


def carried(
    days: Iterable[Day], before: tuple[date, Moisture] | None
) -> Iterator[tuple[date, Indices]]:
    """Each day's indices in turn; `days` ascend, `before` is the last day known ahead of them."""
    for day in days:
        fresh = before is None or day.date - before[0] > LONGEST_GAP
        moisture = SEASON_START if fresh or before is None else before[1]
        indices = daily_indices(moisture, day.weather, month=day.date.month, latitude=day.lat)
        yield day.date, indices
        before = day.date, indices.moisture
