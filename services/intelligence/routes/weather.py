"""Weather: sent by stations any number of times, listed newest first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from services.intelligence.assessment import ONE_AT_A_TIME, assess_around
from services.intelligence.dependencies import NowDep, SettingsDep
from services.intelligence.models import Reading
from services.intelligence.weather import Station, WeatherIn, store
from services.kit.database import SessionDep
from services.kit.geo import Position
from services.kit.problems import Code, Problem
from services.kit.tokens import Role, require

router = APIRouter(prefix="/v1/weather", tags=["weather"])


class WeatherPage(BaseModel):
    items: list[WeatherIn]
    next: int | None


class WeatherFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    station: Station | None = None
    after: int | None = Field(None, ge=0, lt=2**63)
    limit: int = Field(100, ge=1, le=1000)


@router.post(
    "",
    status_code=201,
    responses={200: {"model": WeatherIn, "description": "Known before"}},
    dependencies=[Depends(require(Role.NODE, Role.OPERATOR, Role.SERVICE))],
)
async def report_weather(
    weather: WeatherIn, session: SessionDep, settings: SettingsDep, now: NowDep, response: Response
) -> WeatherIn:
    """Take one reading in and assess anew what burns near; the same one again changes nothing."""
    if weather.observed_at > now + settings.clock_skew:
        detail = f"observed_at is in the future; it is {now.isoformat()} here"
        raise Problem(Code.VALIDATION_FAILED, detail)
    await session.execute(ONE_AT_A_TIME)
    if await store(session, weather):
        await assess_around(session, weather.position, settings, now)
    else:
        response.status_code = 200
    return weather


@router.get("", dependencies=[Depends(require(Role.VIEWER, Role.SERVICE))])
async def list_weather(
    wanted: Annotated[WeatherFilter, Query()], session: SessionDep
) -> WeatherPage:
    """The last to arrive first."""
    row = Reading
    query = select(row).order_by(row.number.desc()).limit(wanted.limit + 1)
    if wanted.station:
        query = query.where(row.station == wanted.station)
    if wanted.after is not None:
        query = query.where(row.number < wanted.after)
    found = (await session.scalars(query)).all()
    page = found[: wanted.limit]
    return WeatherPage(
        items=[_weather(reading) for reading in page],
        next=page[-1].number if len(found) > len(page) else None,
    )


def _weather(reading: Reading) -> WeatherIn:
    names = WeatherIn.model_fields.keys() - {"position"}
    values = {name: getattr(reading, name) for name in names}
    return WeatherIn(position=Position(lat=reading.lat, lon=reading.lon), **values)
