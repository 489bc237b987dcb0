"""The outbox as a route: events after a cursor, waited for when there are none yet."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, BaseModel
from sqlalchemy import Table

from services.kit.context import current
from services.kit.database import Database
from services.kit.outbox.relay import HELD_BACK_SECONDS, POLL_SECONDS
from services.kit.outbox.store import Cursor, Page, head, read
from services.kit.tokens import Role, require

LONGEST_WAIT_SECONDS = 25
LATEST = "latest"


class FeedEvent(BaseModel):
    id: str
    topic: str
    at: datetime
    data: dict[str, Any]


class Feed(BaseModel):
    events: list[FeedEvent]
    next: str


def _cursor(text: str) -> str:
    if text != LATEST:
        Cursor.parse(text)
    return text


def feed_router(outbox: Table) -> APIRouter:
    """Return a router with `GET /v1/events?after=CURSOR&limit=100&wait=SECONDS`, for services."""
    router = APIRouter(tags=["events"])

    @router.get("/v1/events", dependencies=[Depends(require(Role.SERVICE))])
    async def events(
        request: Request,
        after: Annotated[str, Query(max_length=40), AfterValidator(_cursor)] = str(Cursor()),
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS, allow_inf_nan=False)] = 0,
    ) -> Feed:
        """Return what happened after `after`, in order; wait up to `wait` seconds for it.

        After `latest` nothing has happened yet; `next` then says where the present is.
        """
        if after == LATEST:
            return Feed(events=[], next=await _present(request, outbox))
        if context := current.get():
            context.is_patient = True
        page = await _wait_for_events(request, outbox, Cursor.parse(after), limit, wait)
        found = [FeedEvent(**vars(event)) for event in page.events]
        return Feed(events=found, next=found[-1].id if found else after)

    return router


async def _present(request: Request, outbox: Table) -> str:
    database = cast(Database, request.app.state.database)
    with database.translated():
        async with database.engine.connect() as connection:
            return str(await head(connection, outbox))


async def _wait_for_events(
    request: Request, outbox: Table, after: Cursor, limit: int, wait: float
) -> Page:
    database = cast(Database, request.app.state.database)
    stopping = cast(asyncio.Event, request.app.state.stopping)
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    woken = asyncio.Event()
    database.emitted.add(woken)
    try:
        while True:
            woken.clear()
            with database.translated():
                # No connection is held while waiting: there may be more waiting than connections.
                async with database.engine.connect() as connection:
                    page = await read(connection, outbox, after, limit)
            left = until - loop.time()
            if page.events or left <= 0 or stopping.is_set():
                return page
            pause = HELD_BACK_SECONDS if page.is_held_back else POLL_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, pause)):
                    await woken.wait()
    finally:
        database.emitted.discard(woken)
