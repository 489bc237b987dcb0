"""`inv audit` and `inv audit.explain`, typed."""

from __future__ import annotations

import json

import pytest

from tests.audit.typed import Typed

EMPTY = {"version": 1, "revision": None, "files": 1, "findings": [], "unread": []}


@pytest.fixture
def typed(tmp_path) -> Typed:
    return Typed(tmp_path)


def test_a_folder_in_no_repository_is_audited(typed: Typed) -> None:
    typed.write("README.md", "# Nothing to see\n")

    outcome = typed("audit", "--path", ".", "--format", "json")

    assert json.loads(outcome.stdout) == EMPTY
    assert (outcome.stderr, outcome.returncode) == ("", 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "--path", "nowhere"], "no such folder: nowhere"),
        (["audit", "--format", "jsno"], "no format called 'jsno'; did you mean 'json'?"),
        (["audit", "--fail-on", "hihg"], "no severity called 'hihg'; did you mean 'high'?"),
        (["audit", "--only", "XYZ999"], "no rule called 'XYZ999'"),
        (["audit.explain", "XYZ999"], "no rule called 'XYZ999'"),
        (
            ["audit", "--plan", "--format", "json"],
            "options of the gate beside options of the audit",
        ),
    ],
)
def test_what_cannot_be_is_one_line(typed: Typed, words: list[str], said: str) -> None:
    outcome = typed(*words)

    assert outcome.stderr.startswith(f"error: {said}")
    assert outcome.stderr.count("\n") == 1
    assert (outcome.stdout, outcome.returncode) == ("", 2)
