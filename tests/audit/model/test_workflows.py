"""Workflows are read with the shell that GitHub starts, and their conditions folded."""

from __future__ import annotations

import pytest

from pipelines.audit.model.ci import conditions
from pipelines.audit.model.ci.reach import dead_jobs
from pipelines.audit.model.ci.workflows import Workflow
from tests.audit.repository import model

FILE = ".github/workflows/ci.yml"


def workflow(text: str) -> Workflow:
    (found,) = model({FILE: text}).workflows
    return found


def test_a_step_knows_its_lines_its_folder_and_what_it_runs() -> None:
    found = workflow(
        """\
        on: {push: {branches: [main]}, workflow_dispatch: }
        defaults: {run: {working-directory: apps}}
        jobs:
          test:
            needs: [build]
            steps:
              - uses: actions/checkout@v4
              - name: Test
                working-directory: ./api/
                run: |
                  echo a
                  pytest
        """
    )
    job = found.jobs["test"]
    checkout, test = job.steps

    assert list(found.triggers) == ["push", "workflow_dispatch"]
    assert (job.place.line, job.needs) == (4, ("build",))
    assert (checkout.uses, checkout.uses_place, checkout.folder) == (
        "actions/checkout@v4",
        (FILE, 7),
        "apps",
    )
    assert test.folder == "api"
    assert test.script is not None
    assert [it.place.line for it in test.script.commands] == [11, 12]


@pytest.mark.parametrize(
    ("shell", "swallowed"),
    [("", ("", "pipe")), ("shell: bash", ("", "")), ("shell: sh", ("", "pipe"))],
)
def test_the_shell_is_started_as_github_does(shell: str, swallowed: tuple[str, str]) -> None:
    found = workflow(
        f"""\
        on: push
        jobs:
          a:
            steps:
              - run: |
                  pytest
                  mypy | tee log
                {shell}
        """
    )
    script = found.jobs["a"].steps[0].script

    assert script is not None
    assert tuple(it.swallowed for it in script.commands[:2]) == swallowed


def test_another_shell_is_not_read() -> None:
    found = workflow("on: push\njobs: {a: {steps: [{run: x, shell: pwsh}]}}\n")

    assert found.jobs["a"].steps[0].script is None


def test_broken_yaml_is_told() -> None:
    read = model({FILE: "jobs: [\n"})

    assert read.workflows == ()
    assert [(it.place.file, it.reason[:14]) for it in read.unread] == [(FILE, "not valid YAML")]


@pytest.mark.parametrize(
    ("on", "condition", "folded"),
    [
        ("[push]", "github.event_name == 'workflow_dispatch'", False),
        ("[push]", "${{ github.event_name == 'workflow_dispatch' }}", False),
        ("[push, workflow_dispatch]", "github.event_name == 'workflow_dispatch'", None),
        ("push", "github.event_name == 'push'", True),
        ("push", "github.event_name != 'push'", False),
        ("push", "'schedule' == github.event_name", False),
        ("[push]", "always() && github.event_name == 'schedule'", False),
        ("[push]", "always() || github.event_name == 'schedule'", None),
        ("[push]", "!(github.event_name == 'schedule')", True),
        ("[push]", "github.event_name == 'schedule' || github.event_name == 'release'", False),
        ("[push]", "false", False),
        ("[push]", "${{ false }}", False),
        ("[push]", "github.actor == 'me'", None),
        ("[push]", "vars.X == 'y'", None),
        ("[push]", "", None),
        ("[push]", "success() &&", None),
        ("{push: {branches: [main]}}", "startsWith(github.ref, 'refs/tags/v')", False),
        ("{push: {branches: [main]}, release: }", "startsWith(github.ref, 'refs/tags/v')", None),
        ("{push: {tags: ['v*']}}", "startsWith(github.ref, 'refs/tags/v')", None),
        ("{push: }", "startsWith(github.ref, 'refs/tags/v')", None),
        ("pull_request", "startsWith(github.ref, 'refs/tags/v')", False),
        ("pull_request", "github.ref == 'refs/heads/main'", False),
        ("{push: {branches: [dev]}}", "github.ref == 'refs/heads/main'", False),
        ("{push: {branches: [main]}}", "github.ref == 'refs/heads/main'", None),
        ("{push: {branches: ['m*']}}", "github.ref == 'refs/heads/main'", None),
        ("[push, workflow_call]", "github.event_name == 'schedule'", None),
    ],
)
def test_a_condition_is_folded_as_far_as_the_triggers_tell(
    on: str, condition: str, folded: bool | None
) -> None:
    found = workflow(f"on: {on}\njobs: {{a: {{steps: [{{run: x}}]}}}}\n")

    assert conditions.fold(condition, found) is folded


def test_what_needs_a_job_that_never_runs_does_not_run() -> None:
    found = workflow(
        """\
        on: push
        jobs:
          a: {if: "false", steps: [{run: x}]}
          b: {needs: a, steps: [{run: x}]}
          c: {needs: [b], steps: [{run: x}]}
          d: {needs: a, if: always(), steps: [{run: x}]}
          e: {steps: [{run: x}]}
        """
    )

    assert dead_jobs(found) == {"a", "b", "c"}
