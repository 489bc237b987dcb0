"""A container engine, which is a must here, and what a run leaves behind, which is nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import docker
import pytest

from pipelines.containers import connect, leftovers
from pipelines.errors import SummitError
from pipelines.images import bases


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
