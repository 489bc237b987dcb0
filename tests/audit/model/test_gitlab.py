"""GitLab's pipelines are read as jobs whose scripts run in one shell."""

from __future__ import annotations

import pytest

from tests.audit.repository import model

FILE = ".gitlab-ci.yml"


def test_the_texts_of_a_script_are_steps_that_follow_one_another() -> None:
    (found,) = model(
        {
            FILE: """\
                stages: [test]
                .base:
                  before_script: [pip install x]
                test:
                  script:
                    - cd api
                    - [make test, pytest]
                    - |
                      cd ..
                      mypy .
                  allow_failure: true
                empty: {stage: test}
                """
        }
    ).workflows
    job = found.jobs["test"]

    assert list(found.jobs) == [".base", "test"]
    assert job.continues is not None
    assert [(step.place.line, step.folder) for step in job.steps] == [
        (6, ""),
        (7, "api"),
        (7, "api"),
        (8, "api"),
    ]
    assert [it.place.line for step in job.steps if step.script for it in step.script.commands] == [
        7,
        7,
        10,
    ]


@pytest.mark.parametrize(
    "text", ["", "a", "- a", "test: {script: {a: b}}", "test: {script: [[[a]]]}"]
)
def test_no_pipeline_makes_it_fail(text: str) -> None:
    assert [
        it for flow in model({FILE: text}).workflows for it in flow.jobs.values() if it.steps
    ] == []


def test_broken_yaml_is_told() -> None:
    read = model({FILE: "test: [\n"})

    assert read.workflows == ()
    assert [it.place.file for it in read.unread] == [FILE]
