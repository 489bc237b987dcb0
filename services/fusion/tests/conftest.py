"""The service on an empty database, and observations to test with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.fusion.app import create_app
from services.fusion.models import Base
from services.fusion.observation import Observation
from services.fusion.settings import Settings
from services.kit.clock import FakeClock
from services.kit.database import Database
from services.kit.testing import Server, TestIssuer, lifespan, migrated
from services.kit.tokens import Role

Api = Callable[[str | None], httpx.AsyncClient]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> TestIssuer:
    return TestIssuer(clock)


@pytest.fixture(scope="session")
def migrated_database(postgres: Server) -> dict[str, Any]:
    """Made once: a fresh one for every test would take longer than all else together."""
    return asyncio.run(migrated(postgres, "fusion"))


@pytest.fixture
async def settings(migrated_database: dict[str, Any]) -> Settings:
    """An empty database, and no neighbour that answers."""
    nobody = "http://127.0.0.1:9"
    settings = Settings(
        **migrated_database, client_secret="c" * 32, fabric_url=nobody, intelligence_url=nobody
    )
    async with Database(settings) as database, database.session() as session:
        for table in reversed(Base.metadata.sorted_tables):
            await session.execute(table.delete())
    return settings


@pytest.fixture
async def replica(
    settings: Settings, clock: FakeClock, issuer: TestIssuer
) -> AsyncIterator[Callable[[], Awaitable[Api]]]:
    """Starts one more process of the service on the same database."""
    async with AsyncExitStack() as stack:

        async def start() -> Api:
            kit = create_app(settings, clock=clock)
            kit.app.state.verifier = issuer.verifier()
            await stack.enter_async_context(lifespan(kit))
            transport = httpx.ASGITransport(kit, raise_app_exceptions=False)

            def caller(role: str | None) -> httpx.AsyncClient:
                headers = issuer.headers(Role(role)) if role else {}
                return httpx.AsyncClient(
                    transport=transport, base_url="http://test", headers=headers
                )

            return caller

        yield start


@pytest.fixture
async def api(replica: Callable[[], Awaitable[Api]]) -> Api:
    """`api("node")` is a client of the service with a token of that role; None has no token."""
    return await replica()


@pytest.fixture
def told(api: Api) -> Callable[[], Awaitable[list[tuple[str, dict[str, Any]]]]]:
    """Everything that the service has told its neighbours: topics and data, in order."""

    async def read() -> list[tuple[str, dict[str, Any]]]:
        answer = await api("service").get("/v1/events", params={"limit": 1000})
        return [(event["topic"], event["data"]) for event in answer.json()["events"]]

    return read


@pytest.fixture
def sighting() -> Callable[..., dict[str, Any]]:
    """An observation as JSON; whatever matters to a test is given by keyword."""

    def make(
        key: str = "one", *, lat: float = 46.0, lon: float = 7.0, **more: Any
    ) -> dict[str, Any]:
        return {
            "key": key,
            "kind": "smoke",
            "position": {"lat": lat, "lon": lon},
            "uncertainty_m": 100.0,
            "confidence": 0.75,
            "source": "tower-1",
            "observed_at": NOON.isoformat(),
        } | more

    return make


@pytest.fixture
def observation(sighting: Callable[..., dict[str, Any]]) -> Callable[..., Observation]:
    def make(key: str = "one", **more: Any) -> Observation:
        return Observation.model_validate(sighting(key, **more))

    return make
