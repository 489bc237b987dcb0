"""The data of a stack of containers, which outlives it until somebody wants it gone."""

from __future__ import annotations

import docker

from pipelines.containers import leftovers
from pipelines.stack.docker.project import PROJECT
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


def test_a_volume_that_somebody_else_uses_is_named_and_stays(
    project: DockerProject, engine: docker.DockerClient, service_image: str
) -> None:
    described(project)
    file = project.root / "compose.yaml"
    file.write_text(f"{file.read_text()}volumes: {{kept: {{}}}}\n")
    volume = engine.volumes.create(f"{project.name}_kept", labels={PROJECT: project.name})
    user = engine.containers.create(
        service_image, labels=leftovers.labels(), volumes=[f"{volume.name}:/data"]
    )
    try:
        outcome = project.inv("down", "--volumes")
    finally:
        user.remove()

    assert outcome.returncode == 1
    assert outcome.stderr == (
        f"error: the volume {volume.name} is still there, as it is in use by the container"
        f" {user.name}; remove what uses it, then `inv down --volumes` again\n"
    )
    assert project.inv("down", "--volumes").returncode == 0
    assert not engine.volumes.list(filters={"name": volume.name})
