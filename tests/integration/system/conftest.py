"""The whole stack in containers by Testcontainers, from a copy of the checkout."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import httpx
import pytest
from testcontainers.compose import DockerCompose

from pipelines.containers import leftovers
from pipelines.detection import faults, load
from pipelines.detection.receiver import Receiver, listening
from pipelines.images import bases, override
from pipelines.stack import secrets
from pipelines.stack.stack import Stack

ROOT = Path(__file__).parents[3]
PUBLISHED = {"api-gateway": 8000, "console": 3000, "prometheus": 9090}
PROFILE = "observability"
OVERRIDE = ".summit/compose.test.yaml"
HEALTHY = (
    *("postgres", "fabric", "fusion", "intelligence", "tasking", "api-gateway", "console"),
    *("prometheus", "alertmanager", "blackbox-exporter", "postgres-exporter"),
)
Until = Callable[[Callable[[], object]], None]


def is_whole(gateway: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{gateway}/health", timeout=5).status_code == 200
    return False


def is_healthy(system: DockerCompose) -> bool:
    """Whether the engine thinks so too, which asks more seldom than the gateway."""
    found = {it.Service: it.Health for it in system.get_containers()}
    return all(found.get(name) == "healthy" for name in HEALTHY)


def is_open(gateway: str, secret: str) -> bool:
    """Whether the gateway lets requests through to every service: one that failed gets a rest."""
    grant = {"grant_type": "client_credentials", "client_id": "admin", "client_secret": secret}
    with contextlib.suppress(httpx.HTTPError), httpx.Client(base_url=gateway, timeout=5) as client:
        answer = client.post("/v1/tokens", json=grant)
        if answer.is_success:
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            return all(client.get(path, headers=headers).is_success for path in load.PATHS)
    return False


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Where alerts are delivered to; it keeps its port for as long as the stack may use it."""
    with listening(0) as receiver:
        yield receiver


@pytest.fixture(scope="session")
def system(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> Iterator[DockerCompose]:
    """Up and healthy, on ports that were free; taken down at the end, with its data.

    Its services may be told to fail, as in a drill.
    """
    root = tmp_path_factory.mktemp("checkout")
    for name in ("compose.yaml", "docker", "observability"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
    project = leftovers.name()  # by which what a killed run leaves behind is found
    stack = Stack.of(root, environ={**os.environ, "COMPOSE_PROJECT_NAME": project})
    webhook = root / ".summit/secrets/alert_webhook_url"
    webhook.parent.mkdir(mode=0o700, parents=True)
    webhook.write_text(f"http://host.docker.internal:{receiver.port}/")
    secrets.generate(stack.project, stack.project.services.values())
    bases.refresh(engine, root)
    _write_override(root)
    files = ["compose.yaml", OVERRIDE]
    if (root / override.FILE).exists():
        files.insert(1, str(override.FILE))
    os.environ.update(COMPOSE_PROJECT_NAME=project, FAULTS_FILE=faults.FILE)
    compose = DockerCompose(
        root,
        files,
        pull=False,
        build=False,
        wait=True,
        keep_volumes=False,
        profiles=[PROFILE],
    )
    try:
        compose.start()
        yield compose
    finally:
        compose.stop()
        del os.environ["COMPOSE_PROJECT_NAME"], os.environ["FAULTS_FILE"]


def _write_override(root: Path) -> None:
    """Any free ports."""
    lines = [
        f'  {name}: {{ports: !override ["127.0.0.1::{port}"]}}' for name, port in PUBLISHED.items()
    ]
    (root / OVERRIDE).write_text("\n".join(["services:", *lines, ""]))


@pytest.fixture(scope="session")
def gateway(system: DockerCompose) -> str:
    """The public door's address."""
    return f"http://127.0.0.1:{system.get_service_port('api-gateway', 8000)}"


@pytest.fixture(scope="session")
def prometheus(system: DockerCompose) -> str:
    """Prometheus' address."""
    return f"http://127.0.0.1:{system.get_service_port('prometheus', 9090)}"


@pytest.fixture(scope="session")
def secret(system: DockerCompose) -> str:
    """The administrator's."""
    return Path(system.context, ".summit/secrets/admin_client_secret").read_text()


@pytest.fixture
def whole(system: DockerCompose, gateway: str, secret: str, until: Until) -> Iterator[None]:
    """Well before the fault, and well again after it, without anybody's doing."""

    def is_well() -> bool:
        return is_whole(gateway) and is_healthy(system) and is_open(gateway, secret)

    until(is_well)
    yield
    until(is_well)


@pytest.fixture
def requested(gateway: str, secret: str, whole: None) -> Iterator[None]:
    """Somebody uses the system, which is well."""
    with load.steady(gateway, secret):
        yield
