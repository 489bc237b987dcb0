"""The service on an empty database, with a fabric that does not answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select

from services.kit.asgi import Kit
from services.kit.clock import FakeClock
from services.kit.database import Database
from services.kit.testing import Server, TestIssuer, lifespan, migrated
from services.kit.tokens import Role
from services.tasking.app import create_app
from services.tasking.models import OUTBOX, Base
from services.tasking.settings import Settings

Api = Callable[..., httpx.AsyncClient]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def place(postgres: Server) -> dict[str, Any]:
    """A database for all tests of this process; each one finds it empty."""
    return asyncio.run(migrated(postgres, "tasking"))


@pytest.fixture
def settings(place: dict[str, Any]) -> Settings:
    nobody = "http://127.0.0.1:9"
    return Settings(**place, client_secret="c" * 32, fabric_url=nobody)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The tables without the service."""
    async with Database(settings) as database:
        async with database.session() as session:
            for table in reversed(Base.metadata.sorted_tables):
                await session.execute(delete(table))
        yield database


@pytest.fixture
def emitted(database: Database) -> Callable[[], Awaitable[list[tuple[str, dict[str, Any]]]]]:
    """Topics and data of all events so far, in order."""

    async def read() -> list[tuple[str, dict[str, Any]]]:
        async with database.session() as session:
            rows = await session.execute(select(OUTBOX).order_by(OUTBOX.c.id))
            return [(row.topic, row.data) for row in rows]

    return read


@pytest.fixture
async def kit(settings: Settings, database: Database, clock: FakeClock) -> AsyncIterator[Kit]:
    kit = create_app(settings, clock=clock)
    async with lifespan(kit):
        yield kit


@pytest.fixture
async def api(kit: Kit, clock: FakeClock) -> Api:
    """`api("node", "17")` is a client with a token of that role and subject; `api()` has none."""
    issuer = TestIssuer(clock)
    kit.app.state.verifier = issuer.verifier()

    def caller(role: str | None = None, subject: str = "tester") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(kit, raise_app_exceptions=False)
        headers = issuer.headers(Role(role), subject=subject) if role else {}
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    return caller
