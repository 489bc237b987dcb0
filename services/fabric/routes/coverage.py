"""Coverage: how much ground the living nodes watch."""

from asyncio import to_thread

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import select

from services.fabric.dependencies import LivenessDep, NowDep
from services.fabric.liveness import NodeStatus
from services.fabric.models import Node
from services.kit.database import SessionDep
from services.kit.geo import Position
from services.kit.tokens import Role, require

router = APIRouter(tags=["coverage"])


class Coverage(BaseModel):
    area_km2: float
    nodes: int


@router.get("/v1/coverage", dependencies=[Depends(require(Role.VIEWER, Role.SERVICE))])
async def coverage(session: SessionDep, liveness: LivenessDep, now: NowDep) -> Coverage:
    """Return the area of the union of all discs of nodes that are not OFFLINE."""
    _, offline_until = liveness.seen_within(NodeStatus.OFFLINE, now)
    nodes = await session.execute(
        select(Node.lat, Node.lon, Node.range_m).where(Node.last_seen_at > offline_until)
    )
    discs = [(Position(lat=lat, lon=lon), range_m) for lat, lon, range_m in nodes]
    return Coverage(area_km2=await to_thread(_area_km2, discs), nodes=len(discs))


def _area_km2(discs: list[tuple[Position, float]]) -> float:
    # Imported when first needed: numpy starts threads on import, and services are forked from an
    # interpreter that has imported this module and must have none.
    from services.fabric.coverage import area_km2  # noqa: PLC0415

    return area_km2(discs)
