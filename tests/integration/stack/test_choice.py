"""Which engine a command asks: the one that the stack was brought up with, while it answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.integration.stack.conftest import DockerProject

ONE = """
    services:
      one:
        image: %s
        command: [sleep, "1000"]
        restart: always
        init: true
"""
NOTHING = "nothing runs; `inv up` starts the stack\n"


@pytest.fixture
def one(project: DockerProject) -> Iterator[DockerProject]:
    """A project that leaves the choice to its tool."""
    project.write("compose.yaml", ONE % project.image)
    project.variables["SUMMIT_ENGINE"] = ""
    yield project
    project.variables.clear()


def test_where_an_engine_answers_it_is_containers_and_that_is_said(
    one: DockerProject, engine: docker.DockerClient
) -> None:
    outcome = one.inv("up")

    assert outcome.returncode == 0, outcome.stderr
    first = outcome.stderr.splitlines()[0]
    assert first.startswith(f"engine: docker {engine.version()['Version']} at ")
    assert first.endswith("(it answers)")


def test_without_compose_it_is_processes_and_that_is_said(
    one: DockerProject, tmp_path: Path
) -> None:
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\"\nexit 1\n")
    program.chmod(0o755)
    one.variables["PATH"] = f"{program.parent}:{one.environment['PATH']}"

    asked = one.inv("up", "--engine", "docker")
    assert asked.returncode == 5
    assert asked.stderr.startswith("error: the `docker` command has no plugin `compose`; install ")

    by_default = one.inv("up").stderr.splitlines()[0]
    assert by_default == "engine: process (the `docker` command has no plugin `compose`)"


def test_what_runs_in_an_engine_that_does_not_answer_is_not_nothing(one: DockerProject) -> None:
    assert one.inv("up").returncode == 0
    one.variables["DOCKER_HOST"] = "unix:///none.sock"

    for words in (["ps"], ["down"], ["up"]):
        outcome = one.inv(*words)
        assert outcome.returncode == 5
        assert outcome.stderr.startswith("error: no container engine answers at unix:///none.sock")

    del one.variables["DOCKER_HOST"]
    assert one.inv("ps").stdout.splitlines()[1].split()[:2] == ["one", "running"]


def test_once_the_stack_is_down_its_engine_is_forgotten(one: DockerProject) -> None:
    assert one.inv("up").returncode == 0
    assert one.inv("down").returncode == 0
    one.variables["DOCKER_HOST"] = "unix:///none.sock"

    outcome = one.inv("ps")
    assert (outcome.returncode, outcome.stderr) == (0, NOTHING)


def test_another_checkout_s_containers_do_not_matter_to_processes(
    one: DockerProject, tmp_path: Path
) -> None:
    assert one.inv("up").returncode == 0
    other = DockerProject(tmp_path / "other", one.image, one.name)
    shutil.copytree(one.root, other.root, ignore=shutil.ignore_patterns(".summit", "other"))
    other.variables["SUMMIT_ENGINE"] = ""

    assert other.inv("ps").stderr == NOTHING
    refused = other.inv("up")
    assert refused.returncode == 1
    assert f"the containers of project '{one.name}' are those of {one.root}" in refused.stderr

    outcome = other.inv("up", "--engine", "process")
    assert outcome.returncode == 0, outcome.stderr
    assert other.inv("ps").stdout.splitlines()[1].split()[:2] == ["one", "running"]
    assert other.inv("down", "--volumes").returncode == 0
    assert other.inv("down", "--volumes").returncode == 0
    assert one.inv("ps").stdout.splitlines()[1].split()[:2] == ["one", "running"]
