"""Incident events, as fusion delivers them: in order, each at least once."""

from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intelligence.assessment import ONE_AT_A_TIME, Incident, assess_incidents
from services.intelligence.dependencies import NowDep, SettingsDep
from services.intelligence.models import INBOX
from services.kit.database import SessionDep
from services.kit.outbox import already_seen
from services.kit.tokens import Role, require

router = APIRouter(tags=["events"])


class IncidentEvent(BaseModel):
    id: str = Field(pattern=r"^[\x21-\x7e]{1,100}$")
    topic: Literal[
        "incident.suspected", "incident.confirmed", "incident.updated", "incident.closed"
    ]
    at: AwareDatetime
    data: Incident


class IncidentEvents(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str = Field(pattern=r"^[a-z-]{1,32}$")
    events: list[IncidentEvent] = Field(max_length=1000)


@router.post("/v1/incident-events", status_code=204, dependencies=[Depends(require(Role.SERVICE))])
async def take_incident_events(
    delivery: IncidentEvents, session: SessionDep, settings: SettingsDep, now: NowDep
) -> None:
    """Assess each incident once, in the newest state told; all of them or none."""
    await session.execute(ONE_AT_A_TIME)
    heard = [
        event.data
        for event in delivery.events
        if not await already_seen(session, INBOX, delivery.source, event.id)
    ]
    await assess_incidents(session, heard, settings, now)
