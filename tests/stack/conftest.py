"""Tiny projects that leave nothing behind, and ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.stack import ports
from pipelines.stack.process import verbs as engine
from tests.stack.project import SERVICE, Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty checkout; whatever was started in it is stopped, and nothing may be left over."""
    made = Project(tmp_path)
    made.write("service.py", SERVICE)
    yield made
    engine.down(made.place)
    assert made.processes() == []


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]
