"""A container engine, which is a must here, and what a run leaves behind, which is nothing."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from pipelines.containers import connect, leftovers
from pipelines.errors import SummitError


@pytest.fixture(scope="session", autouse=True)
def engine() -> Iterator[docker.DockerClient]:
    """The engine; what a run that was killed has left is removed first."""
    try:
        with connect() as client:
            leftovers.sweep(client)
            yield client
    except SummitError as error:
        pytest.fail(str(error), pytrace=False)
