"""Tiny projects that leave nothing behind, ports, and waiting for a condition."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.stack import engine, ports
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


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for a condition, at most 30 seconds."""

    def wait(holds: Callable[[], object]) -> None:
        Retrying(
            retry=retry_if_result(lambda held: not held),
            wait=wait_fixed(0.02),
            stop=stop_after_delay(30),
        )(holds)

    return wait
