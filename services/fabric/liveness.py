"""Whether a node is alive: derived from when it was last seen, so nothing has to sweep."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class NodeStatus(StrEnum):
    ACTIVE = "ACTIVE"
    STALE = "STALE"  # one or more heartbeats are missing
    OFFLINE = "OFFLINE"  # to be counted on no longer


@dataclass(frozen=True)
class Liveness:
    """How much silence makes a node STALE, and how much OFFLINE."""

    stale_after: timedelta
    offline_after: timedelta

    def status(self, last_seen_at: datetime, now: datetime) -> NodeStatus:
        silence = now - last_seen_at
        if silence < self.stale_after:
            return NodeStatus.ACTIVE
        if silence < self.offline_after:
            return NodeStatus.STALE
        return NodeStatus.OFFLINE

    def seen_within(self, status: NodeStatus, now: datetime) -> tuple[datetime, datetime]:
        """Return (after, until): seen after the one and until the other means `status` at `now`."""
        end = datetime.max.replace(tzinfo=now.tzinfo)
        start = datetime.min.replace(tzinfo=now.tzinfo)
        return {
            NodeStatus.ACTIVE: (now - self.stale_after, end),
            NodeStatus.STALE: (now - self.offline_after, now - self.stale_after),
            NodeStatus.OFFLINE: (start, now - self.offline_after),
        }[status]
