"""Incidents: what the observations add up to, until an operator closes them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from services.fusion import events
from services.fusion.events import IncidentOut
from services.fusion.incident import Status
from services.fusion.intake import ONE_AT_A_TIME
from services.fusion.models import IncidentRow, ObservationRow
from services.kit.database import SessionDep
from services.kit.problems import Code, Problem
from services.kit.tokens import Role, require

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])

MAY_READ = Depends(require(Role.VIEWER, Role.SERVICE))
MAX_KEYS = 1_000


class IncidentDetail(IncidentOut):
    """An incident with the keys of its newest observations, at most 1,000."""

    observations: list[str]


class IncidentPage(BaseModel):
    items: list[IncidentOut]
    next: int | None


class IncidentFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    after: int | None = Field(None, ge=0, lt=2**63)
    limit: int = Field(100, ge=1, le=1000)


@router.get("", dependencies=[MAY_READ])
async def list_incidents(
    wanted: Annotated[IncidentFilter, Query()], session: SessionDep
) -> IncidentPage:
    """The newest first."""
    row = IncidentRow
    query = select(row).order_by(row.number.desc()).limit(wanted.limit + 1)
    if wanted.status:
        query = query.where(row.status == wanted.status)
    if wanted.after is not None:
        query = query.where(row.number < wanted.after)
    found = (await session.scalars(query)).all()
    page = found[: wanted.limit]
    return IncidentPage(
        items=[IncidentOut.of(incident) for incident in page],
        next=page[-1].number if len(found) > len(page) else None,
    )


@router.get("/{incident_id}", dependencies=[MAY_READ])
async def get_incident(incident_id: UUID, session: SessionDep) -> IncidentDetail:
    incident = await session.get(IncidentRow, incident_id)
    if incident is None:
        raise _unknown(incident_id)
    seen = ObservationRow
    keys = await session.scalars(
        select(seen.key)
        .where(seen.incident_id == incident_id)
        .order_by(seen.observed_at.desc(), seen.key)
        .limit(MAX_KEYS)
    )
    return IncidentDetail.of(incident, observations=list(keys))


@router.post("/{incident_id}/close", dependencies=[Depends(require(Role.OPERATOR))])
async def close_incident(incident_id: UUID, session: SessionDep) -> IncidentOut:
    """Close an incident for good: later observations there open another. Again is harmless."""
    # An intake under way holds a copy of the incident and would write it back as open.
    await session.execute(ONE_AT_A_TIME)
    incident = await session.get(IncidentRow, incident_id)
    if incident is None:
        raise _unknown(incident_id)
    if incident.status != Status.CLOSED:
        incident.status = Status.CLOSED
        await events.tell(session, [("incident.closed", incident)])
    return IncidentOut.of(incident)


def _unknown(incident_id: UUID) -> Problem:
    return Problem(Code.NOT_FOUND, f"no incident {incident_id}")
