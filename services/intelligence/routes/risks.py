"""Risks: what each incident threatens, and why."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from services.intelligence.assessment import RiskOut
from services.intelligence.models import Assessment
from services.kit.database import SessionDep
from services.kit.problems import Code, Problem
from services.kit.tokens import Role, require

router = APIRouter(
    prefix="/v1/risks", tags=["risks"], dependencies=[Depends(require(Role.VIEWER, Role.SERVICE))]
)


class RiskPage(BaseModel):
    items: list[RiskOut]
    next: UUID | None


class RiskFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    incident_id: UUID | None = None
    after: UUID | None = None
    limit: int = Field(100, ge=1, le=1000)


@router.get("")
async def list_risks(wanted: Annotated[RiskFilter, Query()], session: SessionDep) -> RiskPage:
    row = Assessment
    query = select(row).order_by(row.incident_id).limit(wanted.limit + 1)
    if wanted.incident_id:
        query = query.where(row.incident_id == wanted.incident_id)
    if wanted.after:
        query = query.where(row.incident_id > wanted.after)
    found = (await session.scalars(query)).all()
    page = found[: wanted.limit]
    return RiskPage(
        items=[RiskOut.model_validate(risk) for risk in page],
        next=page[-1].incident_id if len(found) > len(page) else None,
    )


@router.get("/{incident_id}")
async def get_risk(incident_id: UUID, session: SessionDep) -> RiskOut:
    risk = await session.get(Assessment, incident_id)
    if risk is None:
        raise Problem(Code.NOT_FOUND, f"no risk assessed for an incident {incident_id}")
    return RiskOut.model_validate(risk)
