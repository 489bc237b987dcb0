"""Delivers the outbox to one subscriber: in order, at least once, by one replica at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection
from tenacity import AsyncRetrying, RetryCallState, wait_random_exponential

from services.kit.database import Database
from services.kit.metrics import Measured
from services.kit.outbox.backlog import Backlog
from services.kit.outbox.store import Cursor, Event, load_cursor, read, save_cursor

log = logging.getLogger(__name__)

Send = Callable[[list[Event]], Awaitable[object]]

BATCH = 100
# Another replica may have emitted, or the replica that delivered may be gone.
POLL_SECONDS = 0.25
# A transaction that is about to end holds events back.
HELD_BACK_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 5.0
_LOCK = text("SELECT pg_try_advisory_lock(hashtext(current_schema()), hashtext(:subscriber))")


class Relay(Measured):
    """Hands batches of events to `send` until it returns without an exception.

    A batch that the subscriber refuses is sent again, after growing pauses, for ever: what comes
    after it may depend on it. The one replica that delivers holds an advisory lock in a session,
    not in a transaction, which would keep everybody's events back while the subscriber thinks.
    """

    def __init__(self, database: Database, outbox: Table, *, subscriber: str, send: Send) -> None:
        self._database = database
        self._outbox = outbox
        self._subscriber = subscriber
        self._send = send
        self._backlog = Backlog(database, outbox, subscriber=subscriber)
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._delivered = 0
        self._failures = 0

    async def __aenter__(self) -> Self:
        self._database.emitted.add(self._woken)
        self._tasks = [
            asyncio.create_task(work, name=f"{name} {self._subscriber}")
            for work, name in ((self._run(), "relay to"), (self._backlog.watch(), "backlog of"))
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.emitted.discard(self._woken)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    def collect(self) -> Iterator[Metric]:
        subscriber = [self._subscriber]
        for name, text_, count in (
            ("outbox_delivered", "Events the subscriber has taken.", self._delivered),
            ("outbox_failures", "Attempts to deliver that failed.", self._failures),
        ):
            family = CounterMetricFamily(name, text_, labels=["subscriber"])
            family.add_metric(subscriber, count)
            yield family
        yield from self._backlog.collect()

    async def _run(self) -> None:
        pauses = AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.1, max=LONGEST_PAUSE_SECONDS),
            before_sleep=self._complain,
        )
        while True:
            # Whatever is wrong with database or subscriber may pass: only cancelling ends this.
            async for attempt in pauses:
                with attempt:
                    await self._deliver_while_leading()

    async def _deliver_while_leading(self) -> None:
        """Deliver for as long as all goes well; return soon when another replica does it."""
        self._woken.clear()  # or one that follows would ask for the lead again and again
        with self._database.translated():
            async with self._database.engine.connect() as shared:
                connection = await shared.execution_options(isolation_level="AUTOCOMMIT")
                if not await connection.scalar(_LOCK, {"subscriber": self._subscriber}):
                    return await self._pause(POLL_SECONDS)
                try:
                    await self._deliver(connection)
                finally:
                    # Closing the session gives up the lock, whatever state it is in.
                    await connection.invalidate()

    async def _deliver(self, connection: AsyncConnection) -> None:
        cursor = await load_cursor(connection, self._subscriber)
        while True:
            self._woken.clear()
            page = await read(connection, self._outbox, cursor, BATCH)
            if page.events:
                cursor = await self._hand_over(connection, page.events)
            else:
                await self._pause(HELD_BACK_SECONDS if page.is_held_back else POLL_SECONDS)

    async def _hand_over(self, connection: AsyncConnection, events: Sequence[Event]) -> Cursor:
        await self._send(list(events))
        self._delivered += len(events)
        cursor = Cursor.parse(events[-1].id)
        await save_cursor(connection, self._subscriber, cursor)
        return cursor

    async def _pause(self, seconds: float) -> None:
        # Not `wait_for`: in Python 3.11 it may swallow the cancelling that ends this relay.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    def _complain(self, state: RetryCallState) -> None:
        self._failures += 1
        error = state.outcome.exception() if state.outcome else None
        log.warning("events for %s wait: %r", self._subscriber, error)
