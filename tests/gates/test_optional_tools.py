"""What a machine lacks an optional tool for is not run there, and never passes."""

from __future__ import annotations

import json

import pytest

from tests.gates.project import Project

STEPS = """
    components: {it: {folder: ., kind: plain}}
    tools:
      service: {run: [cat, ~/up], optional: true, follows: [~/up]}
    kinds:
      plain:
        lint: {run: [sh, -c, "echo lint >> ~/ran"]}
        image: {run: [sh, -c, "echo image >> ~/ran"], tools: [service]}
        deploy: {run: [sh, -c, "echo deploy >> ~/ran"], needs: [image]}
"""


@pytest.fixture
def optional(project: Project) -> Project:
    """Three steps; one needs a service that is up when there is a file, another needs that step."""
    project.write("pipelines.yaml", STEPS.replace("~/up", str(project.home / "up")))
    return project


def test_the_rest_is_run_and_nothing_of_it_passes(optional: Project) -> None:
    outcome = optional.inv("check")

    assert outcome.code == 0
    assert optional.ran == ["lint"]
    assert "image:it  not run  no service on this machine" in outcome.said
    assert "deploy:it  not run  needs image:it" in outcome.said
    assert outcome.totals == (
        "3 steps: 1 passed, 0 from ledger, 0 failed, 0 skipped, 2 not run in TIME"
    )
    assert [it["step"] for it in optional.records] == ["lint"]


def test_it_is_said_again_until_the_tool_is_there(optional: Project) -> None:
    optional.inv("check")

    assert "2 not run" in optional.inv("check").totals
    assert optional.ran == ["lint"]

    (optional.home / "up").write_text("service 1")
    assert "2 passed, 1 from ledger" in optional.inv("check").totals
    assert optional.ran == ["deploy", "image"]

    (optional.home / "up").unlink()
    optional.write("new.txt", "changes every step")
    assert "2 not run" in optional.inv("check").totals


def test_the_plan_says_so(optional: Project) -> None:
    said = optional.inv("check", "--plan").stdout.splitlines()

    assert [line.split()[:3] for line in said[1:] if "not run" in line] == [
        ["image:it", "not", "run"],
        ["deploy:it", "not", "run"],
    ]


def test_where_ci_is_set_it_is_an_error(optional: Project) -> None:
    outcome = optional.inv("check", CI="true")

    assert outcome.error.startswith("tool service: `cat ")
    assert outcome.code == 5
    assert optional.ran == []


def test_a_failure_is_still_a_failure(optional: Project) -> None:
    optional.write(
        "pipelines.yaml",
        (optional.root / "pipelines.yaml").read_text().replace("echo lint >> ~/ran", "exit 1"),
    )

    outcome = optional.inv("check")

    assert outcome.error == "1 of 3 steps failed: lint:it"
    assert outcome.code == 1


def test_a_tool_is_asked_again_when_a_variable_of_it_is_another(project: Project) -> None:
    project.write(
        "pipelines.yaml",
        STEPS.replace(
            "{run: [cat, ~/up], optional: true, follows: [~/up]}",
            "{run: [printenv, WHERE], env: [WHERE]}",
        ),
    )
    assert "3 passed" in project.inv("check", WHERE="here").totals
    assert "3 from ledger" in project.inv("check", WHERE="here").totals

    assert "2 passed, 1 from ledger" in project.inv("check", WHERE="there").totals
    assert "3 from ledger" in project.inv("check", WHERE="here").totals


IMAGES = """
    components: {it: {folder: ., kind: plain}}
    gates: {build: [image], integration: [integration]}
    tools: {engine: {run: [python, -m, pipelines.images], optional: true}}
    kinds:
      plain:
        image: {run: [sh, -c, "echo image >> ~/ran"], tools: [engine]}
        integration: {run: [sh, -c, "echo try >> ~/ran"], needs: [image], tools: [engine]}
"""
BUILT = {
    **dict.fromkeys(("image", "digest", "revision", "base", "base_digest"), "any"),
    "component": "it",
    "size": 1,
    "is_on_stand_in": False,
    "paths": ["."],
}


@pytest.fixture
def ended(project: Project) -> Project:
    """An image was built here, and since then the container engine has ended."""
    project.write("pipelines.yaml", IMAGES)
    project.write(".summit/images/it.json", json.dumps(BUILT))
    project.variables["DOCKER_HOST"] = f"unix://{project.home}/none.sock"
    return project


@pytest.mark.parametrize("words", [["build", "--keep-going"], ["integration"]])
def test_images_are_not_run_where_the_engine_that_built_them_has_ended(
    ended: Project, words: list[str]
) -> None:
    outcome = ended.inv(*words)

    assert outcome.code == 0, outcome.stderr
    assert "image:it  not run  no engine on this machine" in outcome.said
    no_engine = f"no container engine answers at unix://{ended.home}/none.sock"
    assert f"images: not run: {no_engine}: no such file or directory; " in outcome.stderr
    assert (outcome.stdout, ended.ran) == ("", [])


@pytest.mark.parametrize("words", [["build", "--keep-going"], ["integration"]])
def test_where_ci_is_set_an_engine_that_has_ended_is_an_error(
    ended: Project, words: list[str]
) -> None:
    outcome = ended.inv(*words, CI="true")

    assert outcome.error
    assert outcome.code == 5
    assert ended.ran == []
