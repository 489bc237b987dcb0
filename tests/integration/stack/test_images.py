"""What `up` does about the images of a stack that are built from its checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import docker
import msgspec
import pytest

from pipelines.images.build import Built
from pipelines.stack import ports
from tests.integration.stack.conftest import DockerProject
from tests.stack.behaviour import read

SERVICES = """
    services:
      near:
        build:
          context: .
          labels: ["org.opencontainers.image.source=https://it.example", "it.project=%(project)s"]
        command: [python, -m, service]
        environment: {PORT: "8000"}
        ports: ["127.0.0.1:%(port)s:8000"]
        stop_grace_period: 1s
        healthcheck:
          test:
            - CMD
            - python
            - -c
            - "from urllib import request; request.urlopen('http://127.0.0.1:8000')"
          start_period: 10s
          start_interval: 200ms
"""
PLAN = """
    components: {near: {folder: ., kind: built}}
    gates: {build: [image]}
    tools: {engine: [docker, --version]}
    kinds:
      built:
        image:
          run: [python, -m, pipelines.images, "{component}", Dockerfile]
          inputs: [Dockerfile, docker-compose.yml]
          outputs: [".summit/images/{component}.json"]
          tools: [engine]
          env: [PYTHONPATH, COMPOSE_PROJECT_NAME]
"""
COMMIT = ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message=all")


class BuiltProject(DockerProject):
    """A service that is built, and its image, which has no name in the Compose file."""

    def says(self, word: str) -> None:
        self.write("Dockerfile", f"FROM {self.image}\nENV SAYS={word}\n")

    def up(self) -> str:
        outcome = self.inv("up")
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stderr

    def answer(self) -> str:
        return read(self.status("near").port or 0)

    def note(self) -> Built:
        text = (self.root / ".summit/images/near.json").read_bytes()
        return msgspec.json.decode(text, type=Built)


@pytest.fixture
def built(
    project: DockerProject, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BuiltProject]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project.root / "config"))
    made = BuiltProject(project.root, project.image, project.name)
    made.write("docker-compose.yml", SERVICES % {"port": ports.any_free(), "project": made.name})
    made.write(".gitignore", ".summit\nconfig\n")
    made.says("one")
    yield made
    made.inv("down")
    if engine.images.list(f"{made.name}-near"):
        engine.images.remove(f"{made.name}-near", force=True)
    engine.images.prune({"dangling": True, "label": f"it.project={made.name}"})


def planned(project: BuiltProject) -> BuiltProject:
    project.write("pipelines.yaml", PLAN)
    for words in (("init", "--quiet"), ("add", "."), COMMIT):
        subprocess.run(["git", *words], cwd=project.root, check=True, capture_output=True)
    return project


def test_an_image_without_a_name_is_built_once(
    built: BuiltProject, engine: docker.DockerClient
) -> None:
    assert f"building {built.name}-near\n" in built.up()
    assert built.answer() == "one"
    labels = engine.images.get(f"{built.name}-near").labels
    assert labels["org.opencontainers.image.source"] == "https://it.example"

    built.says("two")
    assert "building" not in built.up()
    assert built.answer() == "one"


def test_where_the_plan_builds_images_they_are_as_their_source_is(built: BuiltProject) -> None:
    planned(built)
    assert "1 passed" in built.up()
    assert built.answer() == "one"
    assert built.note().paths == ("Dockerfile",)
    assert "step" not in built.up()

    built.says("two")
    assert "1 passed" in built.up()
    assert built.answer() == "two"


def test_a_build_of_some_names_the_digests_of_those_alone(built: BuiltProject) -> None:
    planned(built)
    built.up()
    note = built.note()
    other = msgspec.structs.replace(note, component="other", image="other")
    (built.root / ".summit/images/other.json").write_bytes(msgspec.json.encode(other))

    outcome = built.inv("build", "--only", "near")

    assert outcome.stdout == f"{note.image}  {note.digest}\n", outcome.stderr


def test_an_image_that_was_pruned_is_made_again_as_it_was(
    built: BuiltProject, engine: docker.DockerClient
) -> None:
    planned(built)
    built.up()
    before = built.note()
    assert built.inv("down").returncode == 0
    engine.images.remove(before.image, force=True)

    assert f"{before.image} is no longer in the engine" in built.up()
    assert str(engine.images.get(before.image).id) == before.digest


def test_an_image_that_cannot_be_built_is_said_and_nothing_is_started(built: BuiltProject) -> None:
    planned(built)
    built.write("Dockerfile", f"FROM {built.image}\nRUN exit 3\n")

    outcome = built.inv("up")

    assert outcome.returncode == 1
    assert outcome.stderr.splitlines()[-1] == "error: 1 of 1 steps failed: image:near"
    assert built.left() == []
