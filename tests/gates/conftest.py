"""Repositories for the command line, and machines on which something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gates.project import THREE, Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty repository with a home folder beside it; no nap may go on when the test ends."""
    made = Project(tmp_path / "repository", tmp_path / "home")
    made.root.mkdir()
    made.home.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    yield made
    assert made.end_naps() == []


@pytest.fixture
def three(project: Project) -> Project:
    """Components `kit`, `shop` that needs it and `lone`, each with a `lint` and a `build`."""
    project.write("pipelines.yaml", THREE)
    project.write(".gitignore", "out/\n")
    for name in ("kit", "shop", "lone"):
        project.write(f"{name}/a.txt", f"{name}\n")
    return project
