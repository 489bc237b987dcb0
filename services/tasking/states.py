"""The states of a mission and who may move it from one to another."""

from enum import StrEnum, auto


class Status(StrEnum):
    PENDING = "PENDING"  # waits for a node
    DISPATCHED = "DISPATCHED"  # a node was told and has until the deadline to accept
    ACCEPTED = "ACCEPTED"  # the node is on its way
    ON_SCENE = "ON_SCENE"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"  # no longer wanted
    FAILED = "FAILED"  # the node could not do it


class Actor(StrEnum):
    NODE = auto()  # the one the mission is given to
    OPERATOR = auto()
    SUMMIT = auto()  # the dispatcher and the policy


PEOPLE = frozenset({Actor.NODE, Actor.OPERATOR})
OPERATOR = frozenset({Actor.OPERATOR})
SUMMIT = frozenset({Actor.SUMMIT})

MOVES: dict[tuple[Status, Status], frozenset[Actor]] = {
    (Status.PENDING, Status.DISPATCHED): SUMMIT,
    (Status.PENDING, Status.CANCELLED): OPERATOR | SUMMIT,
    (Status.DISPATCHED, Status.PENDING): SUMMIT,
    (Status.DISPATCHED, Status.ACCEPTED): PEOPLE,
    (Status.DISPATCHED, Status.CANCELLED): OPERATOR | SUMMIT,
    (Status.ACCEPTED, Status.PENDING): SUMMIT,
    (Status.ACCEPTED, Status.ON_SCENE): PEOPLE,
    (Status.ACCEPTED, Status.FAILED): PEOPLE,
    (Status.ACCEPTED, Status.CANCELLED): OPERATOR,
    (Status.ON_SCENE, Status.PENDING): SUMMIT,
    (Status.ON_SCENE, Status.COMPLETED): PEOPLE,
    (Status.ON_SCENE, Status.FAILED): PEOPLE,
    (Status.ON_SCENE, Status.CANCELLED): OPERATOR,
}

OPEN = frozenset(source for source, _ in MOVES)
# With a node: in these it may go OFFLINE, and the mission goes back to PENDING.
ASSIGNED = OPEN - {Status.PENDING}


def movers(source: Status, target: Status) -> frozenset[Actor]:
    """Return who may move a mission from `source` to `target`: nobody if the move is illegal."""
    return MOVES.get((source, target), frozenset())
