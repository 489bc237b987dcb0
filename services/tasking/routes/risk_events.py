"""Risk events, as intelligence delivers them: in order, each at least once."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.kit.tokens import Role, require
from services.tasking.dependencies import DatabaseDep, NowDep, SettingsDep
from services.tasking.policy import RiskEvent, take

router = APIRouter(tags=["events"])


class RiskEvents(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str = Field(pattern=r"^[a-z-]{1,32}$")
    events: list[RiskEvent] = Field(max_length=1000)


@router.post("/v1/risk-events", status_code=204, dependencies=[Depends(require(Role.SERVICE))])
async def take_risk_events(
    delivery: RiskEvents, database: DatabaseDep, settings: SettingsDep, now: NowDep
) -> None:
    """Take in a delivery; when it fails half-way, what was taken is passed over the next time."""
    for event in delivery.events:
        async with database.session() as session:
            await take(
                session,
                event,
                source=delivery.source,
                threshold=settings.mission_risk_threshold,
                now=now,
            )
