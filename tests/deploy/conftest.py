"""A small system in a repository of its own, and releases of it that are good and bad."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.system import System


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """The system, not deployed yet; whatever of it runs at the end is stopped."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = System.make(tmp_path / "repository")
    yield made
    made.down()
