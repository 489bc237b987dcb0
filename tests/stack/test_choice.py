"""Which engine a command asks, where no container engine can be had."""

from __future__ import annotations

import pytest

from tests.stack.project import Project

ONE = """
    services:
      one:
        image: its-own
        command: [sleep, "1000"]
        restart: always
"""


@pytest.fixture
def one(project: Project) -> Project:
    """A project that leaves the choice to its tool, and a socket that does not exist."""
    project.write("compose.yaml", ONE)
    project.variables |= {"SUMMIT_ENGINE": "", "DOCKER_HOST": f"unix://{project.root}/none.sock"}
    return project


@pytest.fixture
def no_engine(one: Project) -> str:
    where = one.variables["DOCKER_HOST"]
    return f"no container engine answers at {where}: no such file or directory"


def test_without_a_container_engine_it_is_processes_and_that_is_said(
    one: Project, no_engine: str
) -> None:
    outcome = one.inv("up")

    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr.splitlines()[0] == f"engine: process ({no_engine})"
    assert one.inv("ps").stdout.splitlines()[1].split()[:2] == ["one", "running"]


@pytest.mark.parametrize("host", ["ssh://nobody@localhost", "tcp://192.0.2.1:2375"])
def test_another_machine_s_engine_is_refused(one: Project, host: str) -> None:
    one.variables["DOCKER_HOST"] = host
    why = (
        f"the container engine at {host} is another machine's, and the stack mounts files of this"
        " one"
    )

    asked = one.inv("up", "--engine", "docker")
    assert asked.returncode == 5
    assert asked.stderr == f"error: {why}; use one of this machine, or `--engine process`\n"

    by_default = one.inv("up")
    assert by_default.returncode == 0, by_default.stderr
    assert by_default.stderr.splitlines()[0] == f"engine: process ({why})"


@pytest.fixture
def in_docker(one: Project) -> Project:
    """A project whose stack was brought up by an engine that has ended since."""
    one.place.prepare()
    one.place.engine.write_text("docker\n")
    return one


@pytest.mark.parametrize("words", [["ps"], ["down"], ["down", "--volumes"], ["logs"], ["up"]])
def test_a_container_engine_that_has_ended_is_said_by_whoever_needs_it(
    in_docker: Project, no_engine: str, words: list[str]
) -> None:
    outcome = in_docker.inv(*words)

    assert outcome.returncode == 5
    assert outcome.stderr == f"error: {no_engine}; start it, or `./inv engine.start`\n"


def test_who_chooses_another_engine_by_name_need_not_wait_for_it(in_docker: Project) -> None:
    assert in_docker.inv("up", "--engine", "process").returncode == 0
    assert in_docker.inv("down").returncode == 0

    outcome = in_docker.inv("ps")
    assert outcome.returncode == 0
    assert outcome.stderr == "nothing runs; `inv up` starts the stack\n"
