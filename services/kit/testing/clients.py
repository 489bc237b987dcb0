"""Clients of an app for tests, without a socket between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import httpx
from starlette.types import ASGIApp, Message

from services.kit.asgi import Kit
from services.kit.testing.tokens import TestIssuer
from services.kit.tokens import Role

Told = Callable[[], Awaitable[list[tuple[str, dict[str, Any]]]]]


class Api(Protocol):
    """`api("node", "17")` is a client with a token of that role and subject; `api()` has none."""

    def __call__(self, role: str | None = None, subject: str = "tester") -> httpx.AsyncClient: ...


Replica = Callable[[], Awaitable[Api]]


def callers(app: ASGIApp, sign: Callable[..., dict[str, str]]) -> Api:
    """Return the `Api` of a running app; `sign(role, subject=...)` gives a caller's headers."""

    def caller(role: str | None = None, subject: str = "tester") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = sign(Role(role), subject=subject) if role else {}
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    return caller


@asynccontextmanager
async def replicas(create: Callable[[], Kit], issuer: TestIssuer) -> AsyncIterator[Replica]:
    """Give a function that starts one more process of a service, which trusts `issuer`."""
    async with AsyncExitStack() as stack:

        async def start() -> Api:
            kit = create()
            kit.app.state.verifier = issuer.verifier()
            await stack.enter_async_context(lifespan(kit))
            return callers(kit, issuer.headers)

        yield start


def told_by(api: Api) -> Told:
    """Return a function that reads what a service has told: topics and data, in order."""

    async def read() -> list[tuple[str, dict[str, Any]]]:
        answer = await api("service").get("/v1/events", params={"limit": 1000})
        return [(event["topic"], event["data"]) for event in answer.json()["events"]]

    return read


@asynccontextmanager
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """Run the lifespan of `app` and give a client of it, without a socket between them."""
    async with lifespan(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield http


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Start and stop `app` as a server would; raises what its startup or shutdown raised."""
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    # One task enters and leaves: whatever the app holds meanwhile may be bound to its task.
    task: asyncio.Future[None] = asyncio.ensure_future(app(scope, incoming.get, outgoing.put))
    try:
        await _say(task, incoming, outgoing, "lifespan.startup")
        yield
        await _say(task, incoming, outgoing, "lifespan.shutdown")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _say(
    task: asyncio.Future[None],
    incoming: asyncio.Queue[Message],
    outgoing: asyncio.Queue[Message],
    kind: str,
) -> None:
    await incoming.put({"type": kind})
    answer = asyncio.ensure_future(outgoing.get())
    either: set[asyncio.Future[Any]] = {task, answer}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() or answer.result()["type"] != f"{kind}.complete":
        answer.cancel()
        await task
