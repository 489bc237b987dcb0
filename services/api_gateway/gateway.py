"""The gateway's answer to a request: it judges, and hands on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.api_gateway.parts import Parts, assemble
from services.api_gateway.routes import EVENTS, OPENAPI, find
from services.api_gateway.settings import Settings
from services.kit.context import current
from services.kit.problems import Code, Problem


class Gateway(APIRouter):
    """Stands where FastAPI's router does, with a table instead of routes.

    A route would read the body whole, and cost more than all else that is done here.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._parts: Parts | None = None

    @asynccontextmanager
    async def running(self, stopping: asyncio.Event) -> AsyncIterator[None]:
        """Hold all that lasts longer than a request."""
        async with assemble(self._settings, stopping=stopping) as self._parts:
            yield

    async def health(self) -> Response:
        """Answer `/health` for the whole system."""
        return await self._running_parts.health.response()

    @property
    def _running_parts(self) -> Parts:
        if self._parts is None:
            raise Problem(Code.UNAVAILABLE, "the gateway is starting")
        return self._parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what comes from the kit."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        try:
            await self._serve(scope, receive, send)
        except Problem as problem:
            await problem.response()(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = self._running_parts
        context = current.get()
        assert context is not None, "served outside the kit"
        route = find(scope["path"])
        if route is None:
            raise Problem(Code.NOT_FOUND, "there is nothing at this path")
        scope["route"] = route
        admission = await parts.door.admit(scope, route)
        more = admission.standing.headers()
        if route is EVENTS:
            context.is_patient = True
            await parts.events.serve(
                scope, receive, send, expires_at=admission.expires_at, more=more
            )
        elif route is OPENAPI:
            document = Response(await parts.openapi.get(), media_type="application/json")
            document.raw_headers += more
            await document(scope, receive, send)
        else:
            await parts.proxy.forward(route, scope, receive, send, context=context, more=more)
