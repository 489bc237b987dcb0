"""The profile `observability` without containers: the real programs, taken out of their images."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import httpx
import pytest

from pipelines.containers import leftovers
from pipelines.images.bases import BASES
from tests.integration.base import ROOT, image_of
from tests.stack.project import Project

Until = Callable[[Callable[[], object]], None]
# Alertmanager of Debian reads templates at a fixed place, and is more than one file.
PROGRAMS = {
    "prometheus": "prometheus",
    "blackbox-exporter": "blackbox_exporter",
    "postgres-exporter": "postgres_exporter",
}


@pytest.fixture
def programs(engine: docker.DockerClient, tmp_path: Path) -> Path:
    """A folder with the programs."""
    folder = tmp_path / "programs"
    official = {base.name: base.stands_for for base in BASES}
    for name, program in PROGRAMS.items():
        image = image_of(engine, official[name])
        container = engine.containers.create(image, labels=leftovers.labels())
        try:
            chunks, _ = container.get_archive(f"/bin/{program}")
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                archive.extractall(folder, filter="data")
        finally:
            container.remove(v=True)
    return folder


@pytest.fixture
def project(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """This repository's system, in a folder of its own."""
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    root = tmp_path / "checkout"
    root.mkdir()
    for name in ("compose.yaml", "observability", "services"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
    project = Project(root)
    yield project
    project.inv("down")


def test_prometheus_asks_the_processes(project: Project, until: Until) -> None:
    chosen = [*PROGRAMS, "tasking", "fabric"]
    outcome = project.inv("up", *(f"--only={name}" for name in chosen))
    assert outcome.returncode == 0, outcome.stderr

    def value(query: str) -> list[str]:
        address = f"http://127.0.0.1:{project.port('prometheus')}/api/v1/query"
        rows = httpx.get(address, params={"query": query}).json()["data"]["result"]
        return [row["value"][1] for row in rows]

    until(lambda: value('up{service="tasking"}') == ["1", "1"])
    until(lambda: value('probe_success{service="fabric"}') == ["1"])
    until(lambda: value("pg_up") == ["1"])
    until(lambda: value('ALERTS{alertname="ServiceDown",service="fusion"}') == ["1"])
