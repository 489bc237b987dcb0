"""The data of a stack of containers, which outlives it until somebody wants it gone."""

from __future__ import annotations

import docker

from tests.integration.stack.conftest import DockerProject
from tests.stack.behaviour import described


def test_data_stays_at_down_and_goes_even_when_nothing_runs_any_more(
    project: DockerProject, engine: docker.DockerClient
) -> None:
    described(project)
    file = project.root / "compose.yaml"
    grace = "stop_grace_period: 1s"
    text = file.read_text().replace(grace, f"{grace}\n    volumes: [kept:/data]")
    file.write_text(f"{text}volumes: {{kept: {{}}}}\n")
    volume = {"name": f"{project.name}_kept"}

    assert project.inv("up", "--only", "near").returncode == 0
    assert project.inv("down").returncode == 0
    assert engine.volumes.list(filters=volume)

    assert project.inv("down", "--volumes").returncode == 0
    assert not engine.volumes.list(filters=volume)
