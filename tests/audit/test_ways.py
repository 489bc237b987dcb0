"""`inv audit --claims`, `--history` and `--fix`, typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.audit.typed import Typed

MAKE = "test:\n\tpytest || true\n"
SUMMARY = "# Summary\n\n## Fixed\n\n- [x] Removed `|| true` from the Makefile's tests\n"
CI = (
    "on: push\njobs:\n  a:\n    steps:\n      - run: make test\n      - uses: actions/checkout@v4\n"
)
SHA = "11bd71901bbe5b1630ceea73d27597364c9af683"


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    made = Typed(tmp_path)
    made.write("Makefile", MAKE)
    made.write("SUMMARY.md", SUMMARY)
    made.write(".github/workflows/ci.yml", CI)
    made.commit()
    return made


def test_claims_get_verdicts_with_the_counter_evidence(typed: Typed) -> None:
    outcome = typed("audit", "--claims")

    assert "contradicted" in outcome.stdout
    assert "SUMMARY.md:5" in outcome.stdout
    assert "Makefile:2" in outcome.stdout
    assert outcome.stderr == "error: 1 of 1 claims are contradicted\n"
    assert outcome.returncode == 1


def test_claims_of_one_file_as_json(typed: Typed) -> None:
    typed.write("Makefile", "test:\n\tpytest\n")

    outcome = typed("audit", "--claims=SUMMARY.md", "--format", "json")

    assert [it["verdict"] for it in json.loads(outcome.stdout)["claims"]] == ["backed"]
    assert (outcome.stderr, outcome.returncode) == ("", 0)


def test_claims_of_a_file_that_is_not_there_are_one_line(typed: Typed) -> None:
    outcome = typed("audit", "--claims=SUMARY.md")

    assert (
        outcome.stderr == "error: no tracked file called 'SUMARY.md'; did you mean 'SUMMARY.md'?\n"
    )
    assert outcome.returncode == 2


def test_history_tells_what_came_and_went(typed: Typed) -> None:
    typed.write("Makefile", "test:\n\tpytest\n")
    typed.commit()

    text = typed("audit", "--history")
    page = typed("audit", "--history", "--format=html", "--output=history.html")

    assert "GATE002" in text.stdout
    assert (text.returncode, page.returncode) == (0, 0)
    assert "<svg" in (typed.folder / "history.html").read_text()


def test_a_fix_is_a_diff_first_and_a_file_when_that_is_asked_for(typed: Typed) -> None:
    shown = typed("audit", "--fix")

    assert "-\tpytest || true\n+\tpytest\n" in shown.stdout
    assert shown.stderr == "would fix 1 finding in 1 files; --apply writes it\n"
    assert (typed.folder / "Makefile").read_text() == MAKE

    written = typed("audit", "--fix", "--apply")

    assert written.stdout == shown.stdout
    assert written.stderr == "fixed 1 finding in 1 files\n"
    assert (typed.folder / "Makefile").read_text() == "test:\n\tpytest\n"
    assert typed("audit", "--fix").stderr == "nothing can be fixed safely\n"


def test_actions_are_pinned_by_a_given_map(typed: Typed) -> None:
    typed.write("pins.yaml", f"actions/checkout@v4: {SHA}\n")

    outcome = typed("audit", "--fix", "--pins", "pins.yaml")

    assert f"+      - uses: actions/checkout@{SHA} # v4\n" in outcome.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fix", "--apply", "--rev=HEAD"), "what was committed cannot be fixed; leave out --rev"),
        (("--fix", "--history"), "--history and --fix cannot be asked for at once"),
        (("--claims", "--format=xml"), "no format called 'xml'; known: json, text"),
        (("--fix", "--pins=nowhere"), "cannot read nowhere: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_line(typed: Typed, words: tuple[str, ...], said: str) -> None:
    outcome = typed("audit", *words)

    assert (outcome.stderr, outcome.returncode) == (f"error: {said}\n", 2)
