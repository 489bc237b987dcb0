"""Reads the events of one upstream, once for all who follow them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception, wait_random_exponential

from services.api_gateway.journal import Event, Journal
from services.kit.peers import PeerRefused
from services.kit.problems import Problem

log = logging.getLogger(__name__)

LATEST = "latest"

Read = Callable[[str], Awaitable[Any]]
"""Asks the upstream for a page of its feed after a cursor, waiting a while; raises `Problem`."""


class Feed:
    """One upstream's events: the newest from a journal, older ones from the upstream itself."""

    def __init__(self, source: str, read: Read, *, size: int) -> None:
        self.source = source
        self._read = read
        self._size = size
        self._journal: Journal | None = None
        self._opened = asyncio.Event()

    @property
    def head(self) -> str | None:
        """The present, or `None` while the upstream was never reached."""
        return self._journal.head if self._journal else None

    async def run(self) -> None:
        """Keep the journal up to date, for ever, however often the upstream goes away."""
        _, cursor = await self._page(LATEST, retry=_is_any)
        self._journal = journal = Journal(cursor, size=self._size)
        self._opened.set()
        while True:
            events, cursor = await self._page(cursor, retry=_is_any)
            for event in events:
                journal.append(event)

    async def follow(self, cursor: str | None) -> AsyncIterator[Event]:
        """Yield all that comes after `cursor`, without end.

        `None` is wherever the upstream stands once it is reached, and then the first event has no
        text: it says where that is.

        Raises:
            LaggedError: the events were not taken fast enough.
            Problem: the upstream does not know the cursor.
        """
        await self._opened.wait()
        journal = self._journal
        assert journal is not None
        if cursor is None:
            cursor = journal.start
            yield Event(cursor, b"")
        # A cursor from before the journal, or from a replica that has read further than this one.
        while (place := journal.place(cursor)) is None:
            events, cursor = await self._page(cursor, retry=_may_pass)
            for event in events:
                yield event
        while True:
            for event in await journal.after(place):
                yield event
                place += 1

    async def _page(
        self, after: str, *, retry: Callable[[BaseException], bool]
    ) -> tuple[list[Event], str]:
        asking = AsyncRetrying(
            retry=retry_if_exception(retry),
            wait=wait_random_exponential(multiplier=0.1, max=2.0),
            before_sleep=before_sleep_log(log, logging.WARNING),
            reraise=True,
        )
        return await asking(self._ask, after)

    async def _ask(self, after: str) -> tuple[list[Event], str]:
        answer = await self._read(after)
        return [self._event(item) for item in answer["events"]], answer["next"]

    def _event(self, item: dict[str, Any]) -> Event:
        data = orjson.dumps({"source": self.source} | item)
        return Event(item["id"], b"event: %b\ndata: %b\n\n" % (item["topic"].encode(), data))


def _is_any(failure: BaseException) -> bool:
    # Whatever is wrong may pass: only being cancelled ends the reading.
    return isinstance(failure, Exception)


def _may_pass(failure: BaseException) -> bool:
    return isinstance(failure, Problem) and not isinstance(failure, PeerRefused)
