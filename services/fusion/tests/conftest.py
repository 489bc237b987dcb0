"""The service on an empty database, and observations to test with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from services.fusion.app import create_app
from services.fusion.models import Base
from services.fusion.observation import Observation
from services.fusion.settings import Settings
from services.kit.clock import FakeClock
from services.kit.testing import (
    Api,
    Replica,
    Server,
    TestIssuer,
    Told,
    emptied,
    migrated,
    replicas,
    told_by,
)

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
    async with emptied(settings, Base.metadata):
        return settings


@pytest.fixture
async def replica(
    settings: Settings, clock: FakeClock, issuer: TestIssuer
) -> AsyncIterator[Replica]:
    """Starts one more process of the service on the same database."""
    async with replicas(partial(create_app, settings, clock=clock), issuer) as start:
        yield start


@pytest.fixture
async def api(replica: Replica) -> Api:
    return await replica()


@pytest.fixture
def told(api: Api) -> Told:
    """Everything that the service has told its neighbours."""
    return told_by(api)


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
