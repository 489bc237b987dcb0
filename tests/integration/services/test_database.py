"""The services on a PostgreSQL in a container: the image that the stack runs, not the wheel."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import docker
import httpx
import pytest
from docker.errors import NotFound

from services.kit.database import Database
from services.kit.settings import DatabaseSettings
from services.kit.testing import lifespan
from services.kit.testing.databases import migrated
from tests.integration.services.server import Server, is_wished, server

SERVICES = ("fabric", "fusion", "intelligence", "tasking")


@pytest.fixture(scope="session")
def postgres(engine: docker.DockerClient, worker_id: str) -> Iterator[Server]:
    """One container for each worker."""
    with server(engine, worker_id, is_kept=is_wished()) as running:
        yield running


@pytest.mark.parametrize("service", SERVICES)
async def test_its_migrations_bring_a_service_to_their_head(postgres: Server, service: str) -> None:
    settings = DatabaseSettings(**await migrated(postgres, service))

    async with Database(settings) as database:
        await database.check()  # raises for a schema that is behind


async def test_a_service_answers_from_it(postgres: Server) -> None:
    create_app = import_module("services.tasking.app").create_app
    settings = import_module("services.tasking.settings").Settings
    nobody = "http://127.0.0.1:9"
    values = await migrated(postgres, "tasking")
    app = create_app(settings(**values, client_secret="c" * 32, fabric_url=nobody))

    async with lifespan(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tasking") as client:
            answer = await client.get("/readyz")

    assert answer.json()["checks"]["database"]["status"] == "ok"


async def test_a_container_that_is_kept_serves_the_next_run_and_goes_with_the_one_after(
    engine: docker.DockerClient, worker_id: str
) -> None:
    worker = f"{worker_id}-kept"
    with server(engine, worker, is_kept=True) as first:
        await migrated(first, "fusion")
    with server(engine, worker, is_kept=True) as second:
        assert second == first
        await migrated(second, "fusion")

    with server(engine, worker, is_kept=False) as third:
        assert third.container != first.container
        with pytest.raises(NotFound):
            engine.containers.get(first.container)
    with pytest.raises(NotFound):
        engine.containers.get(third.container)


def test_nothing_is_kept_unless_somebody_asks_for_it_and_never_in_ci() -> None:
    asked = {"TESTCONTAINERS_REUSE_ENABLE": "true"}

    assert [is_wished(it) for it in ({}, asked, {**asked, "CI": "true"})] == [False, True, False]
