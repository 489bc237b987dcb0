"""The reference system, brought up in a checkout of its own by the real command line."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.stack.process import verbs as engine
from tests.stack.project import REPOSITORY, Project
from tests.system.door import Door


@pytest.fixture(scope="module")
def system() -> Iterator[Project]:
    """All services, healthy; taken down and its data deleted at the end."""
    # Not below pytest's own folder: that one is closed to the user PostgreSQL runs as under root.
    with tempfile.TemporaryDirectory(prefix="summit-system-") as folder:
        checkout = Project(Path(folder))
        checkout.root.chmod(0o755)
        shutil.copy(REPOSITORY / "compose.yaml", checkout.root)
        shutil.copytree(
            REPOSITORY / "services",
            checkout.root / "services",
            ignore=shutil.ignore_patterns("tests", "__pycache__"),
        )
        try:
            outcome = checkout.inv("up", "--wait-timeout", "100")
            assert outcome.returncode == 0, outcome.stderr
            yield checkout
        finally:
            engine.down(checkout.place)
            assert checkout.processes() == []


@pytest.fixture
def healthy(system: Project) -> Project:
    """The system as a test may expect it, whatever the one before has done to it."""
    outcome = system.inv("up", "--wait-timeout", "100")
    assert outcome.returncode == 0, outcome.stderr
    return system


@pytest.fixture
def door(healthy: Project) -> Iterator[Door]:
    with Door.of(healthy) as opened:
        yield opened
