"""The reference system as a release in a swarm, from staging to production, by the commands."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from pipelines.images import kept
from tests.integration.base import image_of
from tests.integration.swarm.conftest import Swarm, bring
from tests.system.checkout import Checkout
from tests.system.journey import from_staging_to_production

ROOT = Path(__file__).parents[3]
NAME = "small-system"  # as everything is called that the swarm is seen to be without in the end
pytestmark = pytest.mark.takes("root")


@pytest.fixture
def checkout(
    engine: docker.DockerClient, swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Checkout]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    root = tmp_path / "system"
    root.mkdir()
    made = Checkout(root, engine="swarm", name=NAME, more="address: 0.0.0.0")
    shutil.copytree(ROOT / ".summit/images", root / ".summit/images")
    images = [it.image for it in kept.built(root)]
    bring([*images, image_of(engine, "postgres")], swarm.manager)
    monkeypatch.setenv("DOCKER_HOST", swarm.manager.socket)  # which may push to the registry
    try:
        yield made
    finally:
        for environment in made.gateways:
            made.types("undeploy", environment, "--volumes")
        assert swarm.names() == set()


@pytest.mark.timeout(600)  # two deploys of everything, beside other suites
def test_the_system_goes_from_staging_to_production_and_leaks_nothing(
    checkout: Checkout, swarm: Swarm
) -> None:
    from_staging_to_production(checkout, swarm.registry, swarm.manager.address)

    services = swarm.manager.docker("service", "ls", "--quiet").split()
    shown = swarm.manager.docker("service", "inspect", *services)
    logged = b"".join(
        subprocess.run(
            ["docker", f"--host={swarm.manager.socket}", "service", "logs", "--raw", it],
            capture_output=True,
            check=True,
        ).stdout
        for it in services
    )
    for environment in checkout.gateways:
        canaries, values = checkout.canaries(environment)
        assert len(values) > 10
        assert list(canaries.in_processes()) == []
        assert list(canaries.in_files(checkout.root, without=checkout.own)) == []
        assert list(canaries.in_bytes(shown.encode(), "services")) == []
        assert list(canaries.in_bytes(logged, "their logs")) == []
