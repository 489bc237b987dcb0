"""A small system in a repository of its own, and releases of it that are good and bad."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.person import Person
from tests.deploy.system import System

ENVIRONMENTS = ("staging", "production")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """The system, not deployed yet; whatever of it runs at the end is stopped."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = System.make(tmp_path / "repository")
    yield made
    made.down()


@pytest.fixture
def person(system: System) -> Iterator[Person]:
    """Somebody who has made the secrets of both environments, and undeploys them at the end."""
    made = Person(system)
    for name in ENVIRONMENTS:
        made.types("secrets.init", name)
    yield made
    for name in ENVIRONMENTS:
        made.types("undeploy", name, "--volumes")
