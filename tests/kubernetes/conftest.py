"""Releases rendered for Kubernetes: of this repository's own system, and of a small one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import compose
from pipelines.deploy import kubernetes
from pipelines.environments import Environment
from tests.kubernetes.system import ROOT, SMALL, Manifests, Render, parsed, release


@pytest.fixture(scope="session")
def own() -> dict[str, str]:
    """The files of this repository's own system, with what notices."""
    environment = Environment("staging", ROOT / "staging.yaml", "", profiles=("observability",))
    project = replace(compose.of(ROOT, environ={}), name="summit-staging")
    built = {str(it.image) for it in project.services.values() if it.build}
    return kubernetes.render(project, release(*built), environment)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The folder of the small system."""
    (tmp_path / "compose.yaml").write_text(SMALL)
    (tmp_path / "web" / "more").mkdir(parents=True)
    (tmp_path / "web" / "web.conf").write_text("a: 1\n")
    (tmp_path / "web" / "more" / "other.conf").write_text("b: 2\n")
    (tmp_path / "token").write_text("known to nobody")
    return tmp_path


@pytest.fixture
def render(small: Path) -> Render:
    """Render the small system as it stands in its folder now."""

    def rendered() -> Manifests:
        project = compose.of(small, environ={})
        environment = Environment("staging", small / "staging.yaml", "")
        return parsed(kubernetes.render(project, release("small-web"), environment))

    return rendered
