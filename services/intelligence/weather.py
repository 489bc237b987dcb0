"""Weather readings: stored once, carried into daily indices, found again near a place."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intelligence.fwi import Indices, Moisture, Weather
from services.intelligence.models import Reading, StationDay
from services.intelligence.risk import Danger
from services.intelligence.season import Day, carried, from_noon, solar_time
from services.kit.geo import Position, distance_m
from services.kit.problems import Code, Problem

Station = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.:@-]{0,127}$")]


class WeatherIn(BaseModel):
    """Rain is what fell in the 24 hours before `observed_at`; wind is taken at 10 m in the open."""

    model_config = ConfigDict(extra="forbid")

    station: Station
    position: Position
    temperature_c: float = Field(ge=-70, le=60, allow_inf_nan=False)
    humidity_pct: float = Field(ge=0, le=100, allow_inf_nan=False)
    wind_kmh: float = Field(ge=0, le=250, allow_inf_nan=False)
    rain_mm: float = Field(ge=0, le=2_000, allow_inf_nan=False)
    observed_at: Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC))]


async def store(session: AsyncSession, weather: WeatherIn) -> bool:
    """Whether `weather` is fresh; then the station's indices follow it.

    Raises:
        Problem: `CONFLICT` if the station sent other weather for the same instant.
    """
    row = _row(weather)
    fresh = await session.scalar(
        insert(Reading).values(row).on_conflict_do_nothing().returning(Reading.station)
    )
    if fresh is None:
        known = await session.get_one(Reading, (weather.station, weather.observed_at))
        if any(getattr(known, name) != value for name, value in row.items()):
            detail = f"{weather.station!r} sent other weather for {weather.observed_at.isoformat()}"
            raise Problem(Code.CONFLICT, detail)
        return False
    await _carry(session, weather.station, since=row["day"])
    return True


def _row(weather: WeatherIn) -> dict[str, Any]:
    lat, lon = weather.position.lat, weather.position.lon
    return weather.model_dump(exclude={"position"}) | {
        "lat": lat,
        "lon": lon,
        "day": solar_time(weather.observed_at.astimezone(UTC), lon).date(),
        "from_noon": from_noon(weather.observed_at.astimezone(UTC), lon),
    }


async def _carry(session: AsyncSession, station: str, *, since: date) -> None:
    """Compute the station's days from `since` on: a late reading changes every day after it."""
    last = await session.scalar(
        select(StationDay)
        .where(StationDay.station == station, StationDay.day < since)
        .order_by(StationDay.day.desc())
        .limit(1)
    )
    noons = await session.scalars(
        select(Reading)
        .ext(distinct_on(Reading.day))
        .where(Reading.station == station, Reading.day >= since)
        .order_by(Reading.day, Reading.from_noon, Reading.observed_at)
    )
    by_day = {reading.day: reading for reading in noons}
    before = (last.day, Moisture(last.ffmc, last.dmc, last.dc)) if last else None
    carried_days = carried(map(_day, by_day.values()), before)
    rows = [_day_row(by_day[day], indices) for day, indices in carried_days]
    statement = insert(StationDay)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in ("station", "day")}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[StationDay.station, StationDay.day], set_=changed
        ),
        rows,
    )


def _day(reading: Reading) -> Day:
    weather = Weather(**{field.name: getattr(reading, field.name) for field in fields(Weather)})
    return Day(reading.day, reading.lat, weather)


def _day_row(reading: Reading, indices: Indices) -> dict[str, Any]:
    names = ("station", "day", "observed_at", "lat", "lon")
    return {name: getattr(reading, name) for name in names} | asdict(indices)


async def newest_days(
    session: AsyncSession, *, since: datetime, south: float, north: float
) -> Sequence[StationDay]:
    """Each station's newest day, if its reading is no older than `since`, between two latitudes."""
    query = (
        select(StationDay)
        .ext(distinct_on(StationDay.station))
        .where(StationDay.observed_at >= since, StationDay.lat.between(south, north))
        .order_by(StationDay.station, StationDay.day.desc())
    )
    return (await session.scalars(query)).all()


def nearest(place: Position, days: Iterable[StationDay], *, reach_m: float) -> Danger | None:
    """The fire weather at the station nearest to `place`, if one is within reach."""
    near = ((distance_m(place, Position(lat=day.lat, lon=day.lon)), day) for day in days)
    found = min(near, key=lambda pair: (pair[0], pair[1].station), default=None)
    if found is None or found[0] > reach_m:
        return None
    distance, day = found
    indices = Indices(**{field.name: getattr(day, field.name) for field in fields(Indices)})
    return Danger(day.station, distance, indices)
