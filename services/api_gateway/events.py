"""`GET /v1/events`: incidents, risks and missions as server-sent events."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from services.api_gateway import cursor
from services.api_gateway.feed import Feed
from services.api_gateway.headers import Headers
from services.api_gateway.journal import Event, LaggedError
from services.kit.context import current
from services.kit.problems import Code, Problem

log = logging.getLogger(__name__)

SOURCES: Mapping[str, str] = {"incident": "fusion", "risk": "intelligence", "mission": "tasking"}
KEEPALIVE_S = 15.0
LAST_SEND_S = 1.0
QUEUED = 64
HEADERS = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]


class EventStreams:
    """Serves the feeds to every subscriber; none is buffered for, whoever is slow is let go.

    A stream ends with its token, with the process, and when its reader is slow. The id of the last
    event then says where to go on, here or at any replica, and nothing is lost.
    """

    def __init__(
        self,
        feeds: Mapping[str, Feed],
        *,
        most: int,
        patience: float,
        stopping: asyncio.Event,
    ) -> None:
        self._feeds = feeds
        self._most = most
        self._patience = patience
        self._stopping = stopping
        self._open = 0

    async def serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        expires_at: float,
        more: Headers,
    ) -> None:
        """Stream until `expires_at` (seconds since the epoch) at the latest.

        Raises:
            Problem: `validation_failed` for topics or a `Last-Event-ID` that do not exist,
                `unavailable` when there are too many streams already.
        """
        feeds = self._chosen(scope)
        present = {feed.source: feed.head for feed in feeds if feed.head is not None}
        positions = present | _last_positions(scope, feeds)
        if self._open >= self._most:
            raise Problem(Code.UNAVAILABLE, "too many event streams are open", retry_after=5)
        self._open += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS + more})
            await self._stream(receive, send, feeds, positions, expires_at - time.time())
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SEND_S):
                    await send({"type": "http.response.body"})
        finally:
            self._open -= 1

    def _chosen(self, scope: Scope) -> list[Feed]:
        try:
            query = parse_qs(
                scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=16
            )
        except ValueError as error:
            raise Problem(Code.VALIDATION_FAILED, "the query has too many fields") from error
        topics = ",".join(query.get("topics", SOURCES)).split(",")
        if unknown := set(topics) - set(SOURCES):
            raise Problem(
                Code.VALIDATION_FAILED,
                f"no topic {min(unknown)!r}; there are: {', '.join(SOURCES)}",
            )
        return [self._feeds[SOURCES[topic]] for topic in SOURCES if topic in topics]

    async def _stream(
        self,
        receive: Receive,
        send: Send,
        feeds: list[Feed],
        positions: dict[str, str],
        seconds: float,
    ) -> None:
        async def send_in_time(text: bytes) -> None:
            async with asyncio.timeout(self._patience):
                await send({"type": "http.response.body", "body": text, "more_body": True})

        writing = asyncio.create_task(_write(send_in_time, feeds, positions))
        tasks = [
            writing,
            asyncio.create_task(_until_gone(receive)),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        if not writing.cancelled():
            writing.result()


def _last_positions(scope: Scope, feeds: list[Feed]) -> dict[str, str]:
    last_id = dict(scope["headers"]).get(b"last-event-id", b"").decode("latin-1")
    if not last_id:
        return {}
    try:
        return cursor.decode(last_id, [feed.source for feed in feeds])
    except ValueError as error:
        raise Problem(
            Code.VALIDATION_FAILED, f"this Last-Event-ID is not one of ours: {error}"
        ) from error


async def _write(
    send: Callable[[bytes], Awaitable[None]], feeds: list[Feed], positions: dict[str, str]
) -> None:
    queue: asyncio.Queue[tuple[str, Event]] = asyncio.Queue(QUEUED)
    try:
        async with asyncio.TaskGroup() as pumps:
            for feed in feeds:
                pumps.create_task(_pump(feed, positions.get(feed.source), queue))
            await send(b"retry: 1000\n" + _id_line(positions) + b"\n")
            while True:
                await send(await _next_text(queue, positions))
    except* (LaggedError, TimeoutError):
        log.info("an event stream was ended: its reader is too slow")
    except* Problem as refused:
        log.warning("an event stream was ended: %s", refused.exceptions[0])


async def _pump(feed: Feed, position: str | None, queue: asyncio.Queue[tuple[str, Event]]) -> None:
    current.set(None)  # a stream outlives the deadline of the request that opened it
    async for event in feed.follow(position):
        await queue.put((feed.source, event))


async def _next_text(queue: asyncio.Queue[tuple[str, Event]], positions: dict[str, str]) -> bytes:
    try:
        async with asyncio.timeout(KEEPALIVE_S):
            source, event = await queue.get()
    except TimeoutError:
        return b":\n\n"
    positions[source] = event.cursor
    return _id_line(positions) + (event.text or b"\n")


def _id_line(positions: Mapping[str, str]) -> bytes:
    return b"id: %b\n" % cursor.encode(positions).encode()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
