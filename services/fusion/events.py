"""What fusion tells its neighbours: each incident as a transaction has left it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.fusion.incident import Incident, Status
from services.fusion.models import IncidentRow
from services.kit.geo import Position
from services.kit.outbox import emit


class IncidentOut(BaseModel):
    """`uncertainty_m`: one standard deviation per axis; `confidence`: the probability of a fire."""

    id: UUID
    status: Status
    position: Position
    uncertainty_m: float
    confidence: float
    kinds: dict[str, int]
    observation_count: int
    first_seen_at: datetime
    last_seen_at: datetime

    @classmethod
    def of(cls, incident: Incident | IncidentRow, **more: Any) -> Self:
        names = cls.model_fields.keys() - {"position", *more}
        values = {name: getattr(incident, name) for name in names}
        return cls(position=Position(lat=incident.lat, lon=incident.lon), **values, **more)


def topic(incident: Incident, before: Status | None) -> str:
    """The most telling word for what happened; `before` is the old status, None if it is new."""
    if incident.status != before:
        return f"incident.{incident.status.lower()}"
    return "incident.updated"


async def tell(session: AsyncSession, news: Iterable[tuple[str, Incident | IncidentRow]]) -> None:
    """Put one event for each incident into the outbox, in the caller's transaction."""
    for what, incident in news:
        await emit(session, what, IncidentOut.of(incident).model_dump(mode="json"))
