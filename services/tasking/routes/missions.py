"""Missions: asked for by operators, carried out by nodes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.database import SessionDep
from services.kit.geo import Position
from services.kit.problems import Code, Problem
from services.kit.tokens import Caller, Role, require
from services.tasking.dependencies import NowDep
from services.tasking.missions import MissionOut, locked, move, open_mission
from services.tasking.models import Mission, Move
from services.tasking.states import Actor, Status, movers

router = APIRouter(prefix="/v1/missions", tags=["missions"])

FreeText = Annotated[str, Field(max_length=500)]
Operator = Annotated[Caller, Depends(require(Role.OPERATOR))]
Mover = Annotated[Caller, Depends(require(Role.NODE, Role.OPERATOR))]
Reader = Annotated[Caller, Depends(require(Role.NODE, Role.VIEWER, Role.SERVICE))]


class MissionIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    incident_id: UUID | None = None
    position: Position
    capability: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    note: FreeText | None = None


class Transition(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: Status
    reason: FreeText | None = None


class MoveOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    source: Status | None
    target: Status
    node_id: UUID | None
    by: str
    reason: str | None
    at: datetime


class MissionWithHistory(MissionOut):
    history: list[MoveOut]


class MissionPage(BaseModel):
    items: list[MissionOut]
    next: UUID | None


class MissionFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    incident_id: UUID | None = None
    node_id: UUID | None = None
    after: UUID | None = None
    limit: int = Field(100, ge=1, le=1000)


@router.post("", status_code=201)
async def add_mission(
    wanted: MissionIn, caller: Operator, session: SessionDep, now: NowDep
) -> MissionOut:
    """Open a mission by hand; an incident has at most one that is open."""
    mission = await open_mission(session, **dict(wanted), by=caller.subject, now=now)
    if mission is None:
        raise Problem(Code.CONFLICT, f"incident {wanted.incident_id} has an open mission already")
    return MissionOut.of(mission)


@router.get("")
async def list_missions(
    wanted: Annotated[MissionFilter, Query()], caller: Reader, session: SessionDep
) -> MissionPage:
    """Return missions; a node gets only those it was given."""
    query = select(Mission).order_by(Mission.id).limit(wanted.limit + 1)
    if Role.NODE in caller.roles:
        query = query.where(cast(Mission.node_id, Text) == caller.subject)
    if wanted.after:
        query = query.where(Mission.id > wanted.after)
    for column in (Mission.status, Mission.incident_id, Mission.node_id):
        if value := getattr(wanted, column.key):
            query = query.where(column == value)
    found = (await session.scalars(query)).all()
    page = found[: wanted.limit]
    return MissionPage(
        items=[MissionOut.of(mission) for mission in page],
        next=page[-1].id if len(found) > len(page) else None,
    )


@router.get("/{mission_id}")
async def get_mission(mission_id: UUID, caller: Reader, session: SessionDep) -> MissionWithHistory:
    mission = _visible(await session.get(Mission, mission_id), mission_id, caller)
    moves = await session.scalars(
        select(Move).where(Move.mission_id == mission_id).order_by(Move.id)
    )
    history = [MoveOut.model_validate(move) for move in moves]
    return MissionWithHistory(**dict(MissionOut.of(mission)), history=history)


@router.post("/{mission_id}/transitions")
async def make_transition(
    mission_id: UUID, wanted: Transition, caller: Mover, session: SessionDep, now: NowDep
) -> MissionOut:
    """Move a mission on; the same transition again by the same caller changes nothing."""
    mission = _visible(await locked(session, mission_id, wait=True), mission_id, caller)
    if wanted.to is not mission.status or await _last_mover(session, mission) != caller.subject:
        _check_move(mission, wanted.to, caller)
        await move(session, mission, wanted.to, by=caller.subject, now=now, reason=wanted.reason)
    return MissionOut.of(mission)


def _visible(mission: Mission | None, mission_id: UUID, caller: Caller) -> Mission:
    """Return the mission unless it does not exist or is not that node's."""
    if mission is None:
        raise Problem(Code.NOT_FOUND, f"no mission {mission_id}")
    if Role.NODE in caller.roles and str(mission.node_id) != caller.subject:
        raise Problem(Code.FORBIDDEN, "this mission is not given to you, or no longer")
    return mission


def _check_move(mission: Mission, target: Status, caller: Caller) -> None:
    allowed = movers(mission.status, target)
    if not allowed:
        raise Problem(
            Code.ILLEGAL_TRANSITION, f"a mission that is {mission.status} cannot become {target}"
        )
    if (Actor.NODE if Role.NODE in caller.roles else Actor.OPERATOR) not in allowed:
        raise Problem(
            Code.FORBIDDEN,
            f"{mission.status} to {target} is only for: {', '.join(sorted(allowed))}",
        )


async def _last_mover(session: AsyncSession, mission: Mission) -> str | None:
    moves = select(Move.by).where(Move.mission_id == mission.id)
    return await session.scalar(moves.order_by(Move.id.desc()).limit(1))
