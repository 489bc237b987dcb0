"""A container engine, which is a must here, and what a run leaves behind, which is nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import docker
import pytest

from pipelines.containers import connect, leftovers, registry
from pipelines.errors import SummitError
from pipelines.images import bases
from pipelines.stack import ports


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "takes(what): told as not run where the machine lacks it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is about stand-ins is not run on official images, and nobody but root makes networks."""
    lacking = {"root": _is_ordinary, "stand-ins": _is_on_official_images}
    for item in items:
        for mark in item.iter_markers("takes"):
            if why := lacking[mark.args[0]]():
                item.add_marker(pytest.mark.skip(reason=f"not run: {why}"))


def _is_ordinary() -> str:
    return "only root can" if os.geteuid() else ""


@cache
def _is_on_official_images() -> str:
    try:
        with connect() as client:
            return "" if bases.standing_in(client) else "nothing stands in for official images here"
    except SummitError:
        return ""  # without an engine every test fails


@pytest.fixture(scope="session", autouse=True)
def engine() -> Iterator[docker.DockerClient]:
    """The engine; what a run that was killed has left is removed first."""
    try:
        with connect() as client:
            leftovers.sweep(client)
            yield client
            leftovers.clear(client)  # such as a volume that was still in use a moment ago
    except SummitError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def local_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("registry")
    (root / ".git").mkdir()
    # As a person starts it: it outlives the command.
    words = [sys.executable, "-m", "tasks", "registry.start", f"--port={ports.any_free()}"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(words, cwd=root, env=environment, check=True, capture_output=True)
    yield registry.address(root)
    registry.stop(root)
