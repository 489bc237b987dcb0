"""Events that leave a service exactly when its transaction is committed, and are not lost after.

They are stored beside the data (transactional outbox: C. Richardson, "Microservices Patterns", 3.2)
and read in the order of transaction ids, only below the oldest transaction that still runs: what
becomes visible later is also later in the order, so a reader that remembers a cursor misses none.
Who changes the same thing from two transactions locks it before the first write; then its events
are in the order of its changes. An event's `at` is the moment of `emit`.
"""

from services.kit.outbox.feed import feed_router
from services.kit.outbox.relay import Relay
from services.kit.outbox.store import (
    Event,
    already_seen,
    cursor_table,
    emit,
    inbox_table,
    outbox_table,
)

__all__ = [
    "Event",
    "Relay",
    "already_seen",
    "cursor_table",
    "emit",
    "feed_router",
    "inbox_table",
    "outbox_table",
]
