"""The reference system as a release in containers, from staging to production, by the commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from pipelines.containers import leftovers
from pipelines.deploy.docker.project import SITE
from pipelines.stack.docker.project import FOLDER
from tests.system.checkout import Checkout
from tests.system.journey import from_staging_to_production

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(
    engine: docker.DockerClient,
    local_registry: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Checkout]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    root = tmp_path / "system"
    root.mkdir()
    made = Checkout(root, engine="docker", name=leftovers.name())
    shutil.copytree(ROOT / ".summit/images", root / ".summit/images")
    try:
        yield made
    finally:
        for environment in made.gateways:
            made.types("undeploy", environment, "--volumes")
        assert containers(engine, made) == []


def containers(engine: docker.DockerClient, checkout: Checkout) -> list[Container]:
    labels = [SITE, f"{FOLDER}={checkout.root}"]
    found: list[Container] = engine.containers.list(all=True, filters={"label": labels})
    return found


@pytest.mark.timeout(600)  # two deploys of everything, beside other suites
def test_the_system_goes_from_staging_to_production_and_leaks_nothing(
    checkout: Checkout, engine: docker.DockerClient, local_registry: str
) -> None:
    from_staging_to_production(checkout, local_registry)

    for environment in checkout.gateways:
        canaries, values = checkout.canaries(environment)
        assert len(values) > 10
        assert list(canaries.in_processes()) == []
        assert list(canaries.in_files(checkout.root, without=checkout.own)) == []
        for it in containers(engine, checkout):
            assert list(canaries.in_bytes(json.dumps(it.attrs).encode(), f"{it.name}")) == []
            logged = subprocess.run(["docker", "logs", str(it.id)], capture_output=True, check=True)
            assert list(canaries.in_bytes(logged.stdout + logged.stderr, f"{it.name}")) == []
