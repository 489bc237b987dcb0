"""Missions nobody asked for: a confirmed incident that is dangerous enough gets one."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.geo import Position
from services.kit.outbox import already_seen
from services.tasking import models
from services.tasking.missions import SUMMIT, move, open_mission, take_turn
from services.tasking.models import INBOX, Mission
from services.tasking.states import OPEN, Actor, Status, movers

CAPABILITY = "suppress"

# Bounded, because years 1 and 9999 have hours that do not exist in UTC.
Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC)),
]


class Incident(BaseModel):
    """The incident inside a risk event, as far as it matters here."""

    id: UUID
    status: Literal["SUSPECTED", "CONFIRMED", "CLOSED"]
    position: Position
    last_seen_at: Instant


class Risk(BaseModel):
    """What a risk event says; what more is in it is for others, and free to grow."""

    score: float = Field(ge=0, le=100)
    incident: Incident


class RiskEvent(BaseModel):
    id: str = Field(pattern=r"^[\x21-\x7e]{1,100}$")
    topic: Literal["risk.assessed"]
    at: Instant
    data: Risk


async def take(
    session: AsyncSession, event: RiskEvent, *, source: str, threshold: float, now: datetime
) -> None:
    """Open or cancel a mission as `event` asks; one seen before, or outdated, changes nothing.

    Locks come before the first write, so that what is emitted here is in the order of changes.
    """
    incident = event.data.incident
    await take_turn(session)
    mission = await session.scalar(
        select(Mission)
        .where(Mission.incident_id == incident.id, Mission.status.in_(OPEN))
        .with_for_update()
    )
    if await already_seen(session, INBOX, source, event.id):
        return
    if not await _is_news(session, incident, event.at):
        return
    if incident.status == "CLOSED":
        if mission and Actor.SUMMIT in movers(mission.status, Status.CANCELLED):
            reason = "the incident is closed"
            await move(session, mission, Status.CANCELLED, by=SUMMIT, now=now, reason=reason)
    elif incident.status == "CONFIRMED" and event.data.score >= threshold and mission is None:
        await _answer(session, incident, now)


async def _is_news(session: AsyncSession, incident: Incident, at: datetime) -> bool:
    """Remember the event, unless a newer one is known; closing is final, whatever the order."""
    known = models.Incident
    statement = insert(known).values(
        id=incident.id, event_at=at, closed=incident.status == "CLOSED"
    )
    newer = statement.excluded
    row = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=[known.id],
            set_={"event_at": newer.event_at, "closed": newer.closed},
            where=~known.closed & (newer.closed | (known.event_at <= newer.event_at)),
        ).returning(known.id)
    )
    return row is not None


async def _answer(session: AsyncSession, incident: Incident, now: datetime) -> None:
    """Open a mission, unless the last one ended after the fire was last seen."""
    ended_at = await session.scalar(
        select(func.max(Mission.updated_at)).where(Mission.incident_id == incident.id)
    )
    if ended_at is None or ended_at < incident.last_seen_at:
        await open_mission(
            session,
            incident_id=incident.id,
            position=incident.position,
            capability=CAPABILITY,
            note=None,
            by=SUMMIT,
            now=now,
        )
