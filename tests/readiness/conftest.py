"""A small repository with a checklist, and the evidence that its lines ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readiness.repository import Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository in which nothing is proven yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Repository.make(tmp_path / "repository")
