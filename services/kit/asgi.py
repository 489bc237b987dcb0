"""The kit: one ASGI class around FastAPI that does for every request what every service owes it.

It is one class rather than a stack of middlewares because each layer of those costs a task or a
coroutine for every message; here a request pays for one function and one wrapper around `send`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from re import ASCII, compile as pattern
from time import monotonic
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit import errors, telemetry
from services.kit.bodies import guarded
from services.kit.clock import now
from services.kit.context import RequestContext, current
from services.kit.cors import AllowList, Headers
from services.kit.deadlines import Deadlines
from services.kit.drill import Drill
from services.kit.health import Check, Health
from services.kit.metrics import Measured, RequestMetrics, registry_of
from services.kit.problems import Code, Problem, from_status
from services.kit.settings import ServiceSettings
from services.kit.strain import Strain
from services.kit.templates import Templates

Resource = AbstractAsyncContextManager[Any] | Callable[[], AbstractAsyncContextManager[Any]]

log = logging.getLogger(__name__)

SECURITY_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
# Browsers heed it over HTTPS only.
TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=63072000")
_WANTED = frozenset(
    {
        b"access-control-request-method",
        b"content-length",
        b"content-type",
        b"origin",
        b"traceparent",
        b"transfer-encoding",
        b"x-request-id",
        b"x-request-timeout-ms",
    }
)
_SANE_ID = pattern(r"[\w.:/+=-]{1,128}", ASCII)
# What is counted when the client left before there was an answer (nginx's number for it).
CLIENT_LEFT = 499


class Kit:
    """A service as the server runs it.

    `checks` decide `/readyz`; `resources` are entered in order before the first request and left
    in reverse after the last; one that is `Measured` also shows in `/metrics`.
    `app.state` gets `settings`, `clock` (unless it has one) and `stopping`, an `asyncio.Event` that
    ends long answers when the service is to stop.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        name: str,
        settings: ServiceSettings,
        checks: Mapping[str, Check] | None = None,
        resources: Sequence[Resource] = (),
    ) -> None:
        self.app = app
        self.name = name
        self._deadlines = Deadlines()
        self.metrics = RequestMetrics(self._deadlines)
        self.stopping = asyncio.Event()
        strain = Strain()
        measured = [
            part for part in cast(Sequence[object], resources) if isinstance(part, Measured)
        ]
        self.health = Health(
            name,
            app.version,
            checks=checks or {},
            timeout=settings.check_timeout_seconds,
            registry=registry_of(self.metrics, strain, *measured),
        )
        self._settings = settings
        self._resources = [strain.watched, *resources]
        self._cors = AllowList(settings.cors_origins)
        self._longest = settings.request_timeout_seconds
        self._largest = settings.max_body_bytes
        self._slow = settings.slow_request_seconds
        self._templates = Templates(app)
        self._inner: ASGIApp = app
        self._logs_all = False
        self._own_lifespan = app.router.lifespan_context
        self._tail = [*SECURITY_HEADERS, *self._cors.always]
        if settings.environment == "production":
            self._tail.append(TRANSPORT_SECURITY)
        self._tail_names = {name for name, _ in SECURITY_HEADERS} | {b"x-request-id"}
        self._prepare()

    def _prepare(self) -> None:
        state = self.app.state
        state.settings = self._settings
        state.stopping = self.stopping
        if not hasattr(state, "clock"):
            state.clock = now
        errors.install(self.app, self._templates)
        self.app.router.lifespan_context = self._lifespan

    def stop(self) -> None:
        """Say so in `/readyz` and end long answers; requests are still served."""
        self.health.is_stopping = True
        self.stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: the hot path of every service."""
        started = monotonic()
        wanted = {name: value for name, value in scope["headers"] if name in _WANTED}
        context = self._context(wanted, started)
        status = CLIENT_LEFT

        def finish(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                context.is_answered = True
                status = message["status"]
                message["headers"] = self._headers(message.get("headers", ()), context, wanted)
            return send(message)

        error: Exception | None = None
        token = current.set(context)
        self._deadlines.watch(context)
        try:
            await self._route(scope, wanted, receive, finish)
        except Exception as caught:
            error = caught
            if not context.is_answered:
                await _problem_of(caught).response()(scope, receive, finish)
        except asyncio.CancelledError:
            if not _is_ours(context):
                raise
            if not context.is_answered:
                await _late().response()(scope, receive, finish)
        finally:
            self._deadlines.release(context)
            seconds = monotonic() - started
            route = self._label(scope)
            self.metrics.observe(scope["method"], route, status, seconds)
            if error is not None or status >= 500 or seconds > self._slow or self._logs_all:
                self._log(scope, context, route, status, seconds, error)
            current.reset(token)

    def _context(self, wanted: Mapping[bytes, bytes], started: float) -> RequestContext:
        if not wanted:
            return RequestContext(None, None, started + self._longest)
        request_id = wanted.get(b"x-request-id", b"").decode("latin-1")
        traceparent = wanted.get(b"traceparent", b"").decode("latin-1")
        seconds = self._longest
        asked = wanted.get(b"x-request-timeout-ms", b"")
        # Anything but a plain number is no deadline at all, rather than a reason to fail.
        if asked.isdigit() and len(asked) < 10:
            seconds = min(seconds, int(asked) / 1000)
        if not _SANE_ID.fullmatch(request_id):
            request_id = ""
        return RequestContext(request_id, traceparent, started + seconds)

    def _headers(
        self,
        headers: Iterable[tuple[bytes, bytes]],
        context: RequestContext,
        wanted: Mapping[bytes, bytes],
    ) -> Headers:
        """Return all headers of an answer; what the application has set itself wins."""
        tail = self._tail
        for name, _ in headers:
            if name in self._tail_names:
                names = {name for name, _ in headers}
                tail = [header for header in tail if header[0] not in names]
                headers = [header for header in headers if header[0] != b"x-request-id"]
                break
        result = [*headers, *tail, (b"x-request-id", context.request_id.encode())]
        if b"origin" in wanted:
            result += self._cors.headers(wanted[b"origin"])
        return result

    def _route(
        self, scope: Scope, wanted: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> Awaitable[None]:
        """Answer what is the kit's own; look at what comes in; leave the rest to FastAPI."""
        own = self.health.routes.get(scope["path"])
        if own:
            return _answer_own(own, scope, receive, send)
        if wanted:
            if b"access-control-request-method" in wanted and scope["method"] == "OPTIONS":
                preflight = self._cors.preflight(wanted.get(b"origin", b""))
                if preflight is not None:
                    return preflight(scope, receive, send)
            receive = guarded(scope, wanted, receive, self._largest)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise Problem(Code.VALIDATION_FAILED, "the address holds a NUL")
        scope["app"] = self.app
        return self._inner(scope, receive, send)

    def _label(self, scope: Scope) -> str:
        path: str = scope["path"]
        return path if path in self.health.routes else self._templates.of(scope)

    def _log(
        self,
        scope: Scope,
        context: RequestContext,
        route: str,
        status: int,
        seconds: float,
        error: Exception | None,
    ) -> None:
        """Write the access line; metrics count everything, so only what stands out is a warning."""
        details = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "seconds": round(seconds, 4),
        }
        is_slow = seconds > self._slow and not context.is_patient
        if error is not None and not isinstance(error, HTTPException):
            log.error("unhandled %s", type(error).__name__, exc_info=error, extra=details)
        elif status >= 500 or is_slow:
            log.warning("%s", "failed" if status >= 500 else "slow", extra=details)
        else:
            log.debug("answered", extra=details)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application's lifespan, in which the resources live."""

        def without_traceback(message: Message) -> Awaitable[None]:
            # Logged already, as one line.
            message.pop("message", None)
            return send(message)

        await self.app(scope, receive, without_traceback)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[Any]:
        """Enter the resources, then the application's own lifespan; leave in reverse."""
        self._inner = _inner(app, is_traced=telemetry.is_on())
        if self._settings.faults_file:
            self._inner = Drill(self._inner, self._settings.faults_file)
        self._logs_all = log.isEnabledFor(logging.DEBUG)
        async with AsyncExitStack() as stack:
            try:
                for resource in self._resources:
                    await stack.enter_async_context(_made(resource))
                state = await stack.enter_async_context(self._own_lifespan(app))
            except Exception as error:
                log.exception("%s did not start: %r", self.name, error)
                raise
            self.health.is_started = True
            yield state
            self.stop()


def _made(resource: Resource) -> AbstractAsyncContextManager[Any]:
    return resource if isinstance(resource, AbstractAsyncContextManager) else resource()


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, HTTPException):
        return from_status(error)
    return Problem.of_bug()


def _late() -> Problem:
    return Problem(Code.DEADLINE_EXCEEDED, "not done within the time allowed")


def _is_ours(context: RequestContext) -> bool:
    """Tell whether the task was cancelled for its deadline and nothing else, and go on if so."""
    task = asyncio.current_task()
    return context.is_late and task is not None and task.uncancel() == 0


async def _answer_own(
    own: Callable[[], Awaitable[Response]], scope: Scope, receive: Receive, send: Send
) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        allowed = {"Allow": "GET, HEAD"}
        raise Problem(Code.METHOD_NOT_ALLOWED, "only for reading", headers=allowed)
    response = await own()
    await response(scope, receive, send)


def _inner(app: FastAPI, *, is_traced: bool) -> ASGIApp:
    """Return what answers a request of `app`, without the layers whose work the kit does.

    These are the answer to a bug, telemetry that is off, and a limit of the body's size. What is
    left is FastAPI's own, in its order; an application that has more of its own keeps it all.
    """
    if is_traced or app.user_middleware or app.root_path or app.max_body_size is not None:
        return app
    if type(app.router) is not APIRouter:
        return app.router  # not FastAPI's: it raises nothing but problems, which the kit answers
    handlers = {kind: run for kind, run in app.exception_handlers.items() if kind is not Exception}
    return ExceptionMiddleware(AsyncExitStackMiddleware(app.router), handlers=handlers)
