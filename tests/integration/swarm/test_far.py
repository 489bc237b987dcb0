"""A swarm that another machine manages, which only SSH leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.behaviour import said
from tests.integration.swarm.conftest import Stacks
from tests.integration.swarm.far import reached_by_ssh

pytestmark = pytest.mark.takes("root")


def test_a_release_comes_and_goes_by_ssh(system: Stacks, tmp_path: Path) -> None:
    assert system.manager
    first, second = system.release("first"), system.release("second")
    file = system.root / "environments/staging.yaml"
    here = file.read_text()

    with reached_by_ssh(system.manager.socket, tmp_path) as address:
        file.write_text(here.replace(system.manager.socket, address))
        system.deploy(first)
        system.deploy(second)
        assert said(system) == "second"
        system.roll_back(first)
        assert said(system) == "first"
        assert system.engine.serving() == first.id
    file.write_text(here)
