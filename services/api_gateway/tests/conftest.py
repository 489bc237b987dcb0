"""A gateway on a real socket, in front of services that do what a test tells them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import orjson
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api_gateway.app import create_app
from services.api_gateway.settings import Settings
from services.kit.asgi import Kit
from services.kit.testing import TestIssuer
from services.kit.tokens import Role

Answer = Callable[[Scope, Receive, Send], Awaitable[None]]
PATIENCE_S = 10.0


@asynccontextmanager
async def served(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` by uvicorn on a free port; gives its address."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2, proxy_headers=False)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        if isinstance(app, Kit):
            app.stop()
        await server.shutdown(sockets=[listener])


class Services:
    """Plays all four services behind one address; `answer` says what to most paths."""

    def __init__(self, issuer: TestIssuer) -> None:
        self.issuer = issuer
        self.requests: list[Scope] = []
        self.answer: Answer = self.echo
        self.is_ready = True
        self.documents: dict[str, Any] = {"openapi": "3.1.0", "paths": {}}
        self.events: list[dict[str, Any]] = []
        self.feed_asked: list[str] = []
        self.feed_readers = 0
        self.grown = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        match scope["path"]:
            case "/.well-known/jwks.json":
                await self.reply(send, await self.issuer.jwks())
            case "/v1/tokens":
                token = self.issuer.token(Role.SERVICE, subject="api-gateway")
                await self.reply(send, {"access_token": token, "expires_in": 600})
            case "/v1/events":
                await self._feed(scope, send)
            case "/readyz":
                await self.reply(send, {}, 200 if self.is_ready else 503)
            case "/openapi.json":
                await self.reply(send, self.documents)
            case _:
                self.requests.append(scope)
                await self.answer(scope, receive, send)

    @staticmethod
    async def reply(send: Send, document: object, status: int = 200, **headers: str) -> None:
        """Answer with JSON, as small services do."""
        body = orjson.dumps(document)
        lines = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        lines += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})

    @staticmethod
    async def read_body(receive: Receive) -> bytes:
        """Return the whole body of a request."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                return body

    async def echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what arrived."""
        body = await self.read_body(receive)
        await self.reply(
            send,
            {
                "method": scope["method"],
                "path": scope["raw_path"].decode(),
                "query": scope["query_string"].decode(),
                "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
                "body": body.decode(),
            },
        )

    def emit(self, topic: str, **data: object) -> None:
        """Add an event to the feed, whose cursors count from 1."""
        number = f"0-{len(self.events) + 1}"
        self.events.append(
            {"id": number, "topic": topic, "at": "2026-07-01T12:00:00Z", "data": data}
        )
        self.grown.set()
        self.grown = asyncio.Event()

    async def _feed(self, scope: Scope, send: Send) -> None:
        query = parse_qs(scope["query_string"].decode())
        after = query["after"][0]
        self.feed_asked.append(after)
        if after == "latest":
            await self.reply(send, {"events": [], "next": f"0-{len(self.events)}"})
            return
        start = int(after.removeprefix("0-"))
        if start >= len(self.events):
            grown = self.grown
            self.feed_readers += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(grown.wait(), float(query["wait"][0]))
            self.feed_readers -= 1
        found = self.events[start:]
        await self.reply(send, {"events": found, "next": found[-1]["id"] if found else after})


class World:
    """A gateway before its services, and a client of it."""

    def __init__(self, url: str, kit: Kit, services: Services, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.kit = kit
        self.services = services
        self.http = http

    def bearer(self, *roles: Role, subject: str = "tester") -> dict[str, str]:
        """Return the header of a caller with these roles; a viewer if none is named."""
        return self.services.issuer.headers(*(roles or (Role.VIEWER,)), subject=subject)

    async def ask(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        """Return an answer that was read to its end."""
        async with self.http.request(method, path, **options) as response:
            await response.read()
        return response

    async def counted(self, method: str, route: str, status: int) -> bool:
        """Tell whether such a request has ended."""
        line = f'http_requests_total{{method="{method}",route="{route}",status="{status}"}}'
        async with self.http.get("/metrics") as metrics:
            return line in await metrics.text()


Start = Callable[..., Awaitable[World]]


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]:
    """Return a function that waits until what it is given becomes true."""

    async def wait(look: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await look():  # noqa: ASYNC110 - nobody would set an event
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def serve() -> Callable[..., AbstractAsyncContextManager[str]]:
    """Return `serve(app, port)`, a context in which an application can be reached."""
    return served


@pytest.fixture
async def tcp_service() -> AsyncIterator[Callable[[bytes], Awaitable[str]]]:
    """Start services that send fixed bytes to whatever they are asked, and hang up."""
    async with AsyncExitStack() as stack:

        async def start_service(answer: bytes) -> str:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with suppress(asyncio.IncompleteReadError, ConnectionError):
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(answer)
                    await writer.drain()
                writer.close()

            server = await stack.enter_async_context(await asyncio.start_server(serve, "127.0.0.1"))
            return "http://{}:{}".format(*server.sockets[0].getsockname())

        yield start_service


@pytest.fixture
async def services() -> Services:
    return Services(TestIssuer())


@pytest.fixture
async def services_url(services: Services) -> AsyncIterator[str]:
    async with served(services) as url:
        yield url
        services.grown.set()  # ends the long polls, which would be waited for


@pytest.fixture
async def start(services: Services, services_url: str) -> AsyncIterator[Start]:
    """Start a gateway with settings of its own; several make replicas."""
    async with AsyncExitStack() as stack:

        async def start_gateway(**changes: Any) -> World:
            urls = ("fabric_url", "fusion_url", "intelligence_url", "tasking_url")
            values: dict[str, Any] = {
                **dict.fromkeys(urls, services_url),
                "client_secret": "a secret of the gateway for its tests",
                "rate_limit": "100000/minute",
            }
            kit = create_app(Settings(**values | changes))
            url = await stack.enter_async_context(served(kit))
            http = await stack.enter_async_context(aiohttp.ClientSession(url))
            return World(url, kit, services, http)

        yield start_gateway


@pytest.fixture
async def world(start: Start) -> World:
    return await start()
