"""Which node is sent: a free one that can get there, never tried or tried longest ago, nearest."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel

from services.kit.geo import Position, distance_m

NEVER = datetime.min.replace(tzinfo=UTC)


class Node(BaseModel):
    """What fabric says of a node, as far as it matters here."""

    id: UUID
    position: Position
    range_m: float


@dataclass(frozen=True)
class Choice:
    """A node and the metres along the ground from it to the place."""

    node_id: UUID
    distance_m: float


def choose(
    place: Position,
    nodes: Iterable[Node],
    *,
    busy: Container[UUID],
    tried: Mapping[UUID, datetime],
) -> Choice | None:
    """Return the node to send to `place`, or None when none is free and within reach.

    `tried` says when each node was last sent on this very mission: those never tried come first,
    nearest first; when all were tried it starts over in the same order.
    """
    choices = [
        Choice(node.id, distance)
        for node in nodes
        if node.id not in busy and (distance := distance_m(place, node.position)) <= node.range_m
    ]
    return min(
        choices,
        key=lambda choice: (tried.get(choice.node_id, NEVER), choice.distance_m, choice.node_id),
        default=None,
    )
