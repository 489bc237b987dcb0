"""Observations: sent by sensors, singly or many at once, any number of times."""

from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from services.fusion.dependencies import NowDep, SettingsDep
from services.fusion.intake import check_not_in_future, take_in
from services.fusion.models import ObservationRow
from services.fusion.observation import Batch, Name, Observation
from services.kit.database import SessionDep
from services.kit.geo import Position
from services.kit.problems import Code, Problem
from services.kit.tokens import Role, require

router = APIRouter(prefix="/v1/observations", tags=["observations"])

MAY_OBSERVE = Depends(require(Role.NODE, Role.OPERATOR, Role.SERVICE))


class ObservationOut(Observation):
    incident_id: UUID


class BatchOut(BaseModel):
    """`duplicates` were known before, or stood twice in the batch."""

    accepted: int
    duplicates: int
    incidents: list[UUID]


@router.post(
    "",
    status_code=201,
    responses={200: {"model": ObservationOut, "description": "Known before"}},
    dependencies=[MAY_OBSERVE],
)
async def observe(
    seen: Observation, session: SessionDep, settings: SettingsDep, now: NowDep, response: Response
) -> ObservationOut:
    """Take one observation in; the same one again answers 200 and changes nothing."""
    check_not_in_future([seen], now, settings.clock_skew)
    taken = await take_in(session, [seen], settings.gate, settings.belief)
    if not taken.accepted:
        response.status_code = 200
    return ObservationOut(**dict(seen), incident_id=taken.incident_of[seen.key])


@router.post("/batch", dependencies=[MAY_OBSERVE])
async def observe_many(
    batch: Batch, session: SessionDep, settings: SettingsDep, now: NowDep
) -> BatchOut:
    """Take up to 1,000 observations in, all of them or none."""
    check_not_in_future(batch.observations, now, settings.clock_skew)
    taken = await take_in(session, batch.observations, settings.gate, settings.belief)
    return BatchOut(
        accepted=taken.accepted,
        duplicates=len(batch.observations) - taken.accepted,
        incidents=sorted(set(taken.incident_of.values())),
    )


@router.get("/{key}", dependencies=[Depends(require(Role.VIEWER, Role.NODE, Role.SERVICE))])
async def get_observation(key: Name, session: SessionDep) -> ObservationOut:
    row = await session.get(ObservationRow, key)
    if row is None:
        raise Problem(Code.NOT_FOUND, f"no observation {key!r}")
    names = ObservationOut.model_fields.keys() - {"position"}
    values = {name: getattr(row, name) for name in names}
    return ObservationOut(position=Position(lat=row.lat, lon=row.lon), **values)
