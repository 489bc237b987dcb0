"""The services on a PostgreSQL in a container: the image that the stack runs, not the wheel."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import docker
import httpx
import pytest
import yaml
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

from pipelines.containers import leftovers
from pipelines.images import bases
from services.kit.database import Database
from services.kit.settings import DatabaseSettings
from services.kit.testing import lifespan
from services.kit.testing.databases import migrated

ROOT = Path(__file__).parents[3]
SERVICES = ("fabric", "fusion", "intelligence", "tasking")


class Server(NamedTuple):
    """Where it is, as `services.kit.testing` asks for it."""

    host: str
    port: int
    superuser: str
    password: str


@pytest.fixture(scope="session")
def postgres(engine: docker.DockerClient) -> Iterator[Server]:
    """One container for each worker, held to what `compose.yaml` holds it to."""
    described = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["postgres"]
    image = bases.standing_in(engine).get("postgres", described["image"])
    testcontainers_config.ryuk_disabled = True  # see `pipelines.containers.leftovers`
    password = secrets.token_urlsafe(24)
    container = PostgresContainer(image, username="postgres", password=password, driver=None)
    container.with_kwargs(
        user=described["user"],
        read_only=True,
        cap_drop=["ALL"],
        labels=leftovers.labels(),
    )
    for mount in described["tmpfs"]:
        container.with_tmpfs_mount(mount.partition(":")[0])
    with container as running:
        port = int(running.get_exposed_port(5432))
        yield Server(running.get_container_host_ip(), port, "postgres", password)


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
