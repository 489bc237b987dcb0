"""Nodes: registered by an operator, kept alive by their heartbeats."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.fabric import models
from services.fabric.dependencies import LivenessDep, NowDep
from services.fabric.grants import digest, new_secret
from services.fabric.liveness import Liveness, NodeStatus
from services.kit.database import SessionDep
from services.kit.geo import Position
from services.kit.problems import Code, Problem
from services.kit.tokens import Caller, Role, require

router = APIRouter(prefix="/v1/nodes", tags=["nodes"])

# A node's clock may be this far ahead; farther, and it could outrun all its later heartbeats.
CLOCK_SKEW = timedelta(minutes=5)

Capability = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Battery = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class NodeKind(StrEnum):
    TOWER = "tower"
    DRONE = "drone"
    TRUCK = "truck"
    SATELLITE = "satellite"


class NodeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$")
    kind: NodeKind
    position: Position
    # A satellite in low orbit sees this far; nothing on the ground does.
    range_m: float = Field(ge=0, le=3_000_000, allow_inf_nan=False)
    capabilities: list[Capability] = Field(max_length=16)


class Heartbeat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sent_at: Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC))]
    position: Position | None = None
    battery_pct: Battery | None = None


class NodeOut(BaseModel):
    id: UUID
    name: str
    kind: NodeKind
    position: Position
    range_m: float
    capabilities: list[str]
    status: NodeStatus
    last_seen_at: datetime
    battery_pct: float | None
    registered_at: datetime

    @classmethod
    def of(cls, node: models.Node, liveness: Liveness, now: datetime, **more: str) -> Self:
        return cls(
            id=node.id,
            name=node.name,
            kind=NodeKind(node.kind),
            position=Position(lat=node.lat, lon=node.lon),
            range_m=node.range_m,
            capabilities=node.capabilities,
            status=liveness.status(node.last_seen_at, now),
            last_seen_at=node.last_seen_at,
            battery_pct=node.battery_pct,
            registered_at=node.registered_at,
            **more,
        )


class NodeRegistered(NodeOut):
    """A node and the credentials it logs in with, which are shown only this once."""

    client_id: str
    client_secret: str


class NodePage(BaseModel):
    items: list[NodeOut]
    next: UUID | None


class NodeFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: NodeStatus | None = None
    kind: NodeKind | None = None
    capability: Capability | None = None
    after: UUID | None = None
    limit: int = Field(100, ge=1, le=1000)


@router.post("", status_code=201, dependencies=[Depends(require(Role.OPERATOR))])
async def register_node(
    wanted: NodeIn, session: SessionDep, liveness: LivenessDep, now: NowDep
) -> NodeRegistered:
    """Register a node; a name is given only once."""
    node = await session.scalar(
        insert(models.Node)
        .values(
            id=uuid4(),
            name=wanted.name,
            kind=wanted.kind,
            lat=wanted.position.lat,
            lon=wanted.position.lon,
            range_m=wanted.range_m,
            capabilities=sorted(set(wanted.capabilities)),
            registered_at=now,
            last_seen_at=now,
        )
        .on_conflict_do_nothing(index_elements=[models.Node.name])
        .returning(models.Node)
    )
    if node is None:
        raise Problem(Code.CONFLICT, f"there is a node called {wanted.name!r} already")
    client_id, secret = str(node.id), new_secret()
    session.add(models.Client(id=client_id, role=Role.NODE, secret_sha256=digest(secret)))
    return NodeRegistered.of(node, liveness, now, client_id=client_id, client_secret=secret)


@router.get("", dependencies=[Depends(require(Role.VIEWER, Role.SERVICE))])
async def list_nodes(
    wanted: Annotated[NodeFilter, Query()], session: SessionDep, liveness: LivenessDep, now: NowDep
) -> NodePage:
    node = models.Node
    query = select(node).order_by(node.id).limit(wanted.limit + 1)
    if wanted.status:
        after, until = liveness.seen_within(wanted.status, now)
        query = query.where(node.last_seen_at > after, node.last_seen_at <= until)
    if wanted.kind:
        query = query.where(node.kind == wanted.kind)
    if wanted.capability:
        query = query.where(node.capabilities.contains([wanted.capability]))
    if wanted.after:
        query = query.where(node.id > wanted.after)
    found = (await session.scalars(query)).all()
    page = found[: wanted.limit]
    return NodePage(
        items=[NodeOut.of(node, liveness, now) for node in page],
        next=page[-1].id if len(found) > len(page) else None,
    )


@router.get("/{node_id}", dependencies=[Depends(require(Role.VIEWER, Role.SERVICE))])
async def get_node(
    node_id: UUID, session: SessionDep, liveness: LivenessDep, now: NowDep
) -> NodeOut:
    node = await session.get(models.Node, node_id)
    if node is None:
        raise _unknown(node_id)
    return NodeOut.of(node, liveness, now)


@router.post("/{node_id}/heartbeat")
async def beat(
    node_id: UUID,
    heartbeat: Heartbeat,
    caller: Annotated[Caller, Depends(require(Role.NODE, Role.OPERATOR))],
    session: SessionDep,
    liveness: LivenessDep,
    now: NowDep,
) -> NodeOut:
    """Note that the node lives; the same heartbeat again changes nothing."""
    if Role.NODE in caller.roles and caller.subject != str(node_id):
        raise Problem(Code.FORBIDDEN, "a node sends only its own heartbeats")
    if heartbeat.sent_at > now + CLOCK_SKEW:
        raise Problem(Code.VALIDATION_FAILED, f"sent_at is in the future; it is {now} here")
    node = await session.get(models.Node, node_id, with_for_update=True)
    if node is None:
        raise _unknown(node_id)
    if node.last_sent_at and heartbeat.sent_at < node.last_sent_at:
        raise Problem(Code.STALE, f"a heartbeat sent at {node.last_sent_at} came before this one")
    if heartbeat.sent_at != node.last_sent_at:
        _apply(heartbeat, node, now)
    return NodeOut.of(node, liveness, now)


def _apply(heartbeat: Heartbeat, node: models.Node, now: datetime) -> None:
    node.last_seen_at, node.last_sent_at = now, heartbeat.sent_at
    if heartbeat.position:
        node.lat, node.lon = heartbeat.position.lat, heartbeat.position.lon
    if heartbeat.battery_pct is not None:
        node.battery_pct = heartbeat.battery_pct


def _unknown(node_id: UUID) -> Problem:
    return Problem(Code.NOT_FOUND, f"no node {node_id}")
