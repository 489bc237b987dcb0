"""Tiny projects in containers, each with a name of its own."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import docker
import pytest

from pipelines.containers import connect, leftovers
from pipelines.stack import ports
from pipelines.stack.docker.engine import DockerEngine
from pipelines.stack.docker.project import PROJECT
from pipelines.stack.stack import Stack
from pipelines.stack.status import Status
from tests.integration.base import image_of
from tests.stack import project as tiny

DOCKERFILE = """
FROM {base}
LABEL {label}={owner}
WORKDIR /app
ENV HOST=0.0.0.0 PYTHONUNBUFFERED=1
COPY service.py .
"""


@dataclass
class DockerProject(tiny.Project):
    """A checkout whose services are containers."""

    engine: ClassVar[str] = "docker"
    name: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "COMPOSE_PROJECT_NAME": self.name}

    def status(self, name: str) -> Status:
        environ = {**os.environ, "COMPOSE_PROJECT_NAME": self.name}
        now = DockerEngine.connected(Stack.of(self.root, environ=environ)).now()
        return next((it for it in now.statuses if it.name == name), Status(name))

    def left(self) -> Sequence[object]:
        with connect() as client:
            labelled = {"label": f"{PROJECT}={self.name}"}
            return [
                *client.containers.list(all=True, filters=labelled, ignore_removed=True),
                *client.networks.list(filters=labelled),
            ]


@pytest.fixture(scope="session")
def service_image(engine: docker.DockerClient) -> Iterator[str]:
    """An image that holds the service of a few lines, on the base that our own images have."""
    name = leftovers.name()
    base = image_of(engine, "python")
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for file, text in {
            "Dockerfile": DOCKERFILE.format(
                base=base, label=leftovers.OWNER, owner=leftovers.owner()
            ),
            "service.py": tiny.SERVICE,
        }.items():
            entry = tarfile.TarInfo(file)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    context.seek(0)
    engine.images.build(fileobj=context, custom_context=True, tag=name, rm=True)
    yield name
    engine.images.remove(name, force=True)


@pytest.fixture
def project(tmp_path: Path, service_image: str) -> Iterator[DockerProject]:
    """An empty checkout; whatever was started in it is stopped, and nothing may be left over."""
    made = DockerProject(tmp_path, service_image, leftovers.name())
    yield made
    if (tmp_path / "compose.yaml").exists():
        made.inv("down")
    assert made.left() == []


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]
