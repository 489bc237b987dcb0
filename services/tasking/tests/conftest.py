"""The service on an empty database, with a fabric that does not answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from services.kit.asgi import Kit
from services.kit.clock import FakeClock
from services.kit.database import Database
from services.kit.testing import Api, Server, TestIssuer, callers, emptied, lifespan, migrated
from services.tasking.app import create_app
from services.tasking.models import OUTBOX, Base
from services.tasking.settings import Settings


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
    async with emptied(settings, Base.metadata) as database:
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
    issuer = TestIssuer(clock)
    kit.app.state.verifier = issuer.verifier()
    return callers(kit, issuer.headers)
