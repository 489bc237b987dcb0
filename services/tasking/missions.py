"""Opening and moving missions: each change is a row of history and an event, or does not happen."""

from datetime import datetime
from typing import Self
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.geo import Position
from services.kit.outbox import emit
from services.tasking.choice import Choice
from services.tasking.models import IS_OPEN, Mission, Move
from services.tasking.states import Status

SUMMIT = "tasking"  # who moved it, when nobody did by hand


class MissionOut(BaseModel):
    """A mission as callers and subscribers see it."""

    id: UUID
    incident_id: UUID | None
    position: Position
    capability: str
    note: str | None
    status: Status
    node_id: UUID | None
    distance_m: float | None
    attempts: int
    created_at: datetime
    updated_at: datetime
    deadline_at: datetime | None

    @classmethod
    def of(cls, mission: Mission) -> Self:
        fields = {name: getattr(mission, name) for name in cls.model_fields if name != "position"}
        return cls(position=place_of(mission), **fields)


def place_of(mission: Mission) -> Position:
    return Position(lat=mission.lat, lon=mission.lon)


async def take_turn(session: AsyncSession) -> None:
    """Wait for other transactions that open missions for incidents; to be called before any write.

    Two that write in another order than they commit would emit events in the wrong order.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('tasking.incidents'))"))


async def open_mission(
    session: AsyncSession,
    *,
    incident_id: UUID | None,
    position: Position,
    capability: str,
    note: str | None,
    by: str,
    now: datetime,
) -> Mission | None:
    """Open a mission, or return None when the incident has an open one."""
    if incident_id is not None:
        await take_turn(session)
    mission = await session.scalar(
        insert(Mission)
        .values(
            id=uuid4(),
            incident_id=incident_id,
            lat=position.lat,
            lon=position.lon,
            capability=capability,
            note=note,
            status=Status.PENDING,
            attempts=0,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Mission.incident_id], index_where=IS_OPEN)
        .returning(Mission)
    )
    if mission is not None:
        await _record(session, mission, source=None, node_id=None, by=by)
    return mission


async def locked(session: AsyncSession, mission_id: UUID, *, wait: bool) -> Mission | None:
    """Return the mission, locked until the transaction ends; None if absent or, not waiting, held.

    The dispatcher does not wait: whoever holds the row is dealing with it.
    """
    return await session.scalar(
        select(Mission).where(Mission.id == mission_id).with_for_update(skip_locked=not wait)
    )


async def move(
    session: AsyncSession,
    mission: Mission,
    target: Status,
    *,
    by: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Move a locked mission; whether the move is legal is asked before (`states.movers`).

    Back to PENDING means that the mission is taken from its node, to be given to another.
    """
    source, node_id = mission.status, mission.node_id
    mission.status, mission.updated_at, mission.deadline_at = target, now, None
    if target is Status.PENDING:
        mission.node_id = mission.distance_m = None
    await _record(session, mission, source=source, node_id=node_id, by=by, reason=reason)


async def dispatch(
    session: AsyncSession, mission: Mission, choice: Choice, *, now: datetime, deadline: datetime
) -> None:
    """Give a locked, PENDING mission to the chosen node, which must accept before `deadline`.

    Raises `sqlalchemy.exc.IntegrityError` when the node got another mission in the meantime.
    """
    mission.status, mission.updated_at, mission.deadline_at = Status.DISPATCHED, now, deadline
    mission.node_id, mission.distance_m = choice.node_id, choice.distance_m
    mission.attempts += 1
    await session.flush()
    await _record(session, mission, source=Status.PENDING, node_id=choice.node_id, by=SUMMIT)


async def _record(
    session: AsyncSession,
    mission: Mission,
    *,
    source: Status | None,
    node_id: UUID | None,
    by: str,
    reason: str | None = None,
) -> None:
    session.add(
        Move(
            mission_id=mission.id,
            source=source,
            target=mission.status,
            node_id=node_id,
            by=by,
            reason=reason,
            at=mission.updated_at,
        )
    )
    await emit(
        session, _topic(source, mission.status), MissionOut.of(mission).model_dump(mode="json")
    )


def _topic(source: Status | None, target: Status) -> str:
    if source is None:
        return "mission.created"
    return "mission.released" if target is Status.PENDING else f"mission.{target.lower()}"
