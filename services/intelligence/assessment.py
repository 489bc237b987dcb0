"""Risks kept up to date: assessed when an incident or the weather near it changes, and told on."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from math import radians
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intelligence.fwi import Indices
from services.intelligence.models import Assessment, StationDay
from services.intelligence.risk import Factor, Level, assess
from services.intelligence.settings import Settings
from services.intelligence.weather import nearest, newest_days
from services.kit.geo import EARTH_RADIUS_M, Position, distance_m
from services.kit.outbox import emit

# An incident and the weather near it arriving at once must not each miss the other.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('intelligence.assessment'))")

METRES_PER_DEGREE = radians(EARTH_RADIUS_M)  # of latitude


class Incident(BaseModel):
    """As fusion tells it. What a newer fusion may add is left out, not refused."""

    id: UUID
    status: Literal["SUSPECTED", "CONFIRMED", "CLOSED"]
    position: Position
    uncertainty_m: float = Field(ge=0, allow_inf_nan=False)
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    kinds: dict[str, int]
    observation_count: int = Field(ge=1, lt=2**31)
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime

    @property
    def version(self) -> tuple[bool, int]:
        """Grows with every change: observations are only added, and closing comes last."""
        return self.status == "CLOSED", self.observation_count


class RiskOut(BaseModel):
    """`score` is 0..100 and the sum of the explanation's contributions."""

    model_config = ConfigDict(from_attributes=True)

    incident_id: UUID
    score: float
    level: Level
    indices: Indices | None
    explanation: list[Factor]
    assessed_at: datetime


class RiskAssessed(RiskOut):
    incident: Incident


async def assess_incidents(
    session: AsyncSession, heard: Sequence[Incident], settings: Settings, now: datetime
) -> None:
    """Assess each incident in the newest state `heard`, unless a newer one was heard of before."""
    newest = {incident.id: incident for incident in sorted(heard, key=lambda one: one.version)}
    row = Assessment
    query = select(row.incident_id, row.closed, row.observation_count)
    stored = await session.execute(query.where(row.incident_id.in_(newest)))
    for incident_id, *version in stored:
        if tuple(version) >= newest[incident_id].version:
            del newest[incident_id]
    await _save(session, await _judge(session, list(newest.values()), settings, now))


async def assess_around(
    session: AsyncSession, place: Position, settings: Settings, now: datetime
) -> None:
    """Assess the open incidents that weather at `place` may concern; tell of those it changed."""
    row = Assessment
    ids = await _open_near(session, place, settings)
    near = (await session.scalars(select(row).where(row.incident_id.in_(ids)))).all()
    incidents = [Incident.model_validate(old.incident) for old in near]
    risks = await _judge(session, incidents, settings, now)
    before = {old.incident_id: (old.score, old.indices) for old in near}
    await _save(session, [risk for risk in risks if before[risk.incident_id] != _gist(risk)])


async def _open_near(session: AsyncSession, place: Position, settings: Settings) -> list[UUID]:
    """The most threatening open incidents within reach of `place`, at most `reassess_limit`."""
    row, margin = Assessment, settings.weather_reach_m / METRES_PER_DEGREE
    found = await session.execute(
        select(row.incident_id, row.lat, row.lon)
        .where(~row.closed, row.lat.between(place.lat - margin, place.lat + margin))
        .order_by(row.score.desc(), row.incident_id)
    )
    near = (
        incident_id
        for incident_id, lat, lon in found
        if distance_m(place, Position(lat=lat, lon=lon)) <= settings.weather_reach_m
    )
    return list(islice(near, settings.reassess_limit))


async def _judge(
    session: AsyncSession, incidents: Sequence[Incident], settings: Settings, now: datetime
) -> list[RiskAssessed]:
    if not incidents:
        return []
    margin = settings.weather_reach_m / METRES_PER_DEGREE
    lats = [incident.position.lat for incident in incidents]
    days = await newest_days(
        session,
        since=now - settings.weather_max_age,
        south=min(lats) - margin,
        north=max(lats) + margin,
    )
    return [_risk(incident, days, settings, now) for incident in incidents]


def _risk(
    incident: Incident, days: Sequence[StationDay], settings: Settings, now: datetime
) -> RiskAssessed:
    danger = nearest(incident.position, days, reach_m=settings.weather_reach_m)
    risk = assess(incident.confidence, incident.kinds, danger)
    return RiskAssessed(
        incident_id=incident.id,
        score=risk.score,
        level=risk.level,
        indices=risk.indices,
        explanation=list(risk.explanation),
        assessed_at=now,
        incident=incident,
    )


def _gist(risk: RiskAssessed) -> tuple[float, dict[str, Any] | None]:
    return risk.score, asdict(risk.indices) if risk.indices else None


async def _save(session: AsyncSession, risks: Sequence[RiskAssessed]) -> None:
    if not risks:
        return
    rows = [_row(risk) for risk in risks]
    statement = insert(Assessment)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "incident_id"}
    await session.execute(
        statement.on_conflict_do_update(index_elements=[Assessment.incident_id], set_=changed), rows
    )
    for risk in risks:
        await emit(session, "risk.assessed", risk.model_dump(mode="json"))


def _row(risk: RiskAssessed) -> dict[str, Any]:
    incident = risk.incident
    return risk.model_dump(mode="json", include={"level", "indices", "explanation", "incident"}) | {
        "incident_id": risk.incident_id,
        "closed": incident.status == "CLOSED",
        "observation_count": incident.observation_count,
        "lat": incident.position.lat,
        "lon": incident.position.lon,
        "score": risk.score,
        "assessed_at": risk.assessed_at,
    }
