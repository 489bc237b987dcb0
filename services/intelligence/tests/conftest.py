"""The service on an empty database; weather and incident events to test with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from services.intelligence.app import create_app
from services.intelligence.models import Base
from services.intelligence.settings import Settings
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


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> TestIssuer:
    return TestIssuer(clock)


@pytest.fixture(scope="session")
def migrated_database(postgres: Server) -> dict[str, Any]:
    """Made once: a fresh one for every test would take longer than all else together."""
    return asyncio.run(migrated(postgres, "intelligence"))


@pytest.fixture
async def settings(migrated_database: dict[str, Any]) -> Settings:
    """An empty database, and no neighbour that answers."""
    nobody = "http://127.0.0.1:9"
    settings = Settings(
        **migrated_database, client_secret="c" * 32, fabric_url=nobody, tasking_url=nobody
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
def reading() -> Callable[..., dict[str, Any]]:
    """A dry summer noon as JSON; whatever matters to a test is given by keyword."""

    def make(*, lat: float = 46.1, lon: float = 0.0, **more: Any) -> dict[str, Any]:
        return {
            "station": "ridge",
            "position": {"lat": lat, "lon": lon},
            "temperature_c": 30.0,
            "humidity_pct": 20.0,
            "wind_kmh": 25.0,
            "rain_mm": 0.0,
            "observed_at": "2026-07-01T12:00:00Z",
        } | more

    return make


@pytest.fixture
def told_by_fusion() -> Callable[..., dict[str, Any]]:
    """A delivery of incident events as JSON; each is what differs from the usual incident."""

    def make(*changes: dict[str, Any], first_id: int = 1) -> dict[str, Any]:
        return {
            "source": "fusion",
            "events": [
                {
                    "id": f"{number}",
                    "topic": "incident.updated",
                    "at": "2026-07-01T12:00:00Z",
                    "data": {
                        "id": "00000000-0000-4000-8000-000000000001",
                        "status": "SUSPECTED",
                        "position": {"lat": 46.0, "lon": 0.0},
                        "uncertainty_m": 60.0,
                        "confidence": 0.5,
                        "kinds": {"smoke": 1},
                        "observation_count": 1,
                        "first_seen_at": "2026-07-01T12:00:00Z",
                        "last_seen_at": "2026-07-01T12:00:00Z",
                    }
                    | change,
                }
                for number, change in enumerate(changes, first_id)
            ],
        }

    return make
