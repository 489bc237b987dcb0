"""Jobs that can never run and actions that somebody can move are found."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import found, places

FILE = ".github/workflows/ci.yml"
SHA = "11bd71901bbe5b1630ceea73d27597364c9af683"


def uses(name: str) -> dict[str, str]:
    return {FILE: f"on: push\njobs:\n  a:\n    steps:\n      - uses: {name}\n"}


@pytest.mark.parametrize(
    ("on", "condition"),
    [
        ("[push, pull_request]", "github.event_name == 'workflow_dispatch'"),
        ("push", "${{ github.event_name == 'schedule' && always() }}"),
        ("{push: {branches: [main]}}", "startsWith(github.ref, 'refs/tags/')"),
        ("pull_request", "github.ref == 'refs/heads/main'"),
    ],
)
def test_a_job_that_waits_for_an_event_that_never_comes(on: str, condition: str) -> None:
    job = f"on: {on}\njobs:\n  a:\n    if: {condition}\n    steps: [{{run: x}}]\n"
    step = f"on: {on}\njobs:\n  a:\n    steps:\n      - run: x\n        if: {condition}\n"

    assert places("GATE006", {FILE: job}) == [f"{FILE}:4"]
    assert places("GATE006", {FILE: step}) == [f"{FILE}:6"]


@pytest.mark.parametrize(
    ("on", "condition"),
    [
        ("[push, workflow_dispatch]", "github.event_name == 'workflow_dispatch'"),
        ("push", "github.ref == 'refs/heads/main'"),
        ("push", "startsWith(github.ref, 'refs/tags/')"),
        ("workflow_call", "github.event_name == 'schedule'"),
        ("push", "github.repository == 'a/b'"),
        ("push", "needs.x.outputs.y == 'true'"),
        ("push", "failure()"),
        ("[schedule, workflow_dispatch]", "(inputs.mode || 'full') == 'full'"),
    ],
)
def test_what_may_come_or_cannot_be_told_is_none(on: str, condition: str) -> None:
    job = f"on: {on}\njobs:\n  a:\n    if: {condition}\n    steps: [{{run: x}}]\n"

    assert places("GATE006", {FILE: job}) == []


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("actions/checkout@v4", Severity.LOW),
        ("actions/checkout@main", Severity.LOW),
        ("somebody/action@v1.2.3", Severity.LOW),
        ("somebody/action@main", Severity.MEDIUM),
        ("somebody/action/sub@master", Severity.MEDIUM),
        ("somebody/action", Severity.MEDIUM),
        ("somebody/.github/.github/workflows/build.yml@main", Severity.LOW),
        (f"somebody/action@{SHA[:12]}", Severity.LOW),
        ("docker://alpine:3.20", Severity.LOW),
    ],
)
def test_an_action_that_may_change(name: str, severity: Severity) -> None:
    (finding,) = found("GATE007", uses(name))

    assert (str(finding.place), finding.severity) == (f"{FILE}:5", severity)


@pytest.mark.parametrize(
    "name",
    [f"actions/checkout@{SHA} # v4", "./.github/actions/x", f"docker://alpine@sha256:{'0' * 64}"],
)
def test_one_that_cannot_change_is_none(name: str) -> None:
    assert places("GATE007", uses(name)) == []


@pytest.mark.parametrize(
    "owners",
    [
        {"CODEOWNERS": "* @Somebody/team\n"},
        {".github/workflows/b.yml": "jobs: {a: {if: github.repository_owner == 'somebody'}}\n"},
        {".github/workflows/b.yml": "jobs: {a: {if: github.repository == 'somebody/x'}}\n"},
    ],
)
def test_a_branch_of_one_s_own_action_has_less_weight(owners: dict[str, str]) -> None:
    (finding,) = found("GATE007", uses("somebody/action@main") | owners)

    assert finding.severity is Severity.LOW


def test_a_template_s_workflow_counts_where_it_is_copied_from() -> None:
    file = "templates/service/.github/workflows/ci.yml"
    text = uses("somebody/action@main")[FILE]

    (finding,) = found("GATE007", {file: text})

    assert (str(finding.place), finding.severity) == (f"{file}:5", Severity.LOW)
    assert places("GATE001", {file: text.replace("uses: ", "run: pytest || true #")}) == []


def test_the_jobs_that_wait_for_one_that_never_runs_are_named() -> None:
    text = """\
        on: push
        jobs:
          a:
            if: github.event_name == 'schedule'
            steps: [{run: x}]
          b: {needs: a, steps: [{run: x}]}
          c: {needs: b, steps: [{run: x}]}
          d: {steps: [{run: x}]}
        """

    (finding,) = found("GATE006", {FILE: text})

    assert (finding.place.line, finding.severity) == (4, Severity.MEDIUM)
    assert finding.message.endswith("alone, and so does nothing that needs it (`b`, `c`)")


def test_what_somebody_switched_off_has_less_weight() -> None:
    text = "on: push\njobs:\n  a:\n    if: ${{ false }}\n    steps: [{run: x}]\n"

    (finding,) = found("GATE006", {FILE: text})

    assert (finding.severity, finding.message) == (
        Severity.LOW,
        "job `a` is switched off by `if: false`",
    )


def test_a_reusable_workflow_and_a_composite_action_count_too() -> None:
    files = {
        FILE: "on: push\njobs:\n  a:\n    uses: a/b/.github/workflows/x.yml@v1\n",
        "setup/action.yml": "runs:\n  using: composite\n  steps:\n    - uses: a/b@v1\n",
    }

    assert places("GATE007", files) == [f"{FILE}:4", "setup/action.yml:4"]
