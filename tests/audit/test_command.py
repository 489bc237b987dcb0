"""`inv audit` and its kin, typed: what is audited, what is said, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from pipelines.audit.formats import FORMATS
from pipelines.audit.rules import RULES
from tasks._program import spelled_out
from tests.audit.typed import Typed

EMPTY = {"version": 1, "revision": None, "files": 1, "findings": [], "unread": []}
UNREASONED = "image: a  # summit: ignore SUP001\n"  # medium
UNUSED = "image: a  # summit: ignore SUP001 -- é\n"  # low


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    return Typed(tmp_path)


def audited(outcome: subprocess.CompletedProcess[str]) -> str:
    """The first line of an audit that was run at once."""
    return outcome.stdout.partition("\n")[0]


def test_a_folder_in_no_repository_is_audited(typed: Typed) -> None:
    typed.write("README.md", "# Nothing to see\n")

    outcome = typed("audit", "--path", ".", "--format", "json")

    assert json.loads(outcome.stdout) == EMPTY
    assert (outcome.stderr, outcome.returncode) == ("", 0)


def test_without_a_word_more_the_repository_around_is_audited(typed: Typed) -> None:
    typed.write("a.yaml", UNREASONED)
    typed.write("below/b.yaml", UNREASONED)
    commit = typed.commit()
    typed.write("below/b.yaml", "image: b\n")

    now = typed("audit", folder="below")
    before = typed("audit", "--rev=HEAD", folder="below")

    assert audited(now) == "audited 2 files as they are now"
    assert now.stderr == "error: 1 finding of severity medium or above\n"
    assert audited(before) == f"audited 2 files at {commit[:12]}"
    assert before.stderr == "error: 2 findings of severity medium or above\n"
    assert (now.returncode, before.returncode) == (1, 1)


def test_a_path_may_stand_behind_the_command(typed: Typed) -> None:
    typed.write("pipelines.yaml", "gates: {}\n")  # which would not do for a gate
    typed.write("below/b.yaml", "image: b\n")

    outcome = typed("audit", "below", "--fail-on=note")

    assert audited(outcome) == "audited 1 file as they are now"
    assert outcome.returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "a", "--rev=x"], ["audit", "--path=a", "--rev=x"]),
        (["audit", "./test"], ["audit", "--path=./test"]),
        (["audit", "test"], ["audit", "test"]),
        (["audit", "audit.rules"], ["audit", "audit.rules"]),
        (["audit", "--plan"], ["audit", "--plan"]),
        (["audit"], ["audit"]),
        (["lint", "audit", "a"], ["lint", "audit", "a"]),
        ([], []),
    ],
)
def test_only_a_word_that_is_no_task_is_a_path(words: list[str], said: list[str]) -> None:
    assert spelled_out(words) == said


GATE = """\
    {gates}
    components: {{all: {{folder: ., kind: all}}}}
    kinds: {{all: {{look: {{run: ["true"]}}}}}}
    """


def test_a_repository_with_the_gate_brings_it_to_evidence(typed: Typed) -> None:
    typed.write("pipelines.yaml", GATE.format(gates="gates: {audit: [look]}"))
    typed.commit()

    outcome, planned = typed("audit"), typed("audit", "--plan")
    direct = typed("audit", "--format=text")

    assert "1 step: 1 passed" in outcome.stderr or "1 steps: 1 passed" in outcome.stderr
    assert "look:all" in planned.stdout + planned.stderr
    assert outcome.stdout == ""
    assert audited(direct) == "audited 1 file as they are now"


def test_a_repository_without_the_gate_is_audited_at_once(typed: Typed) -> None:
    typed.write("pipelines.yaml", GATE.format(gates="gates: {lint: [look]}"))
    typed.commit()

    alone, among = typed("audit"), typed("lint", "audit")

    assert audited(alone) == audited(among) == "audited 1 file as they are now"
    assert "1 passed" in among.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "--path", "nowhere"], "no such folder: nowhere"),
        (["audit", "--rev", "nowhere"], "no commit called 'nowhere'"),
        (["audit", "--format", "jsno"], "no format called 'jsno'; did you mean 'json'?"),
        (["audit", "--fail-on", "hihg"], "no severity called 'hihg'; did you mean 'high'?"),
        (["audit", "--only", "SUPP001"], "no rule called 'SUPP001'; did you mean 'SUP001'?"),
        (["audit", "--baseline", "nowhere"], "cannot read the baseline nowhere: No such file"),
        (["audit.explain", "SUPP001"], "no rule called 'SUPP001'; did you mean 'SUP001'?"),
        (["audit", "--plan", "--format", "json"], "options of the gate beside options of the"),
    ],
)
def test_what_cannot_be_is_one_line(typed: Typed, words: list[str], said: str) -> None:
    typed.write("a.yaml", "image: a\n")
    typed.commit()

    outcome = typed(*words)

    assert outcome.stderr.startswith(f"error: {said}")
    assert outcome.stderr.count("\n") == 1
    assert (outcome.stdout, outcome.returncode) == ("", 2)


def test_a_folder_that_cannot_be_written_to_is_one_line(typed: Typed) -> None:
    outcome = typed("audit", "--path=.", "--output=nowhere/report.txt")

    assert outcome.stderr.startswith("error: cannot write nowhere/report.txt")
    assert outcome.returncode == 5


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        (UNREASONED, [], 1),
        (UNREASONED, ["--fail-on=high"], 0),
        (UNREASONED, ["--fail-on=medium"], 1),
        (UNREASONED, ["--only=SUP002"], 0),
        (UNREASONED, ["--only=suppression-without-reason", "--only=SUP002"], 1),
        (UNUSED, [], 0),
        (UNUSED, ["--fail-on=low"], 1),
        (UNUSED, ["--fail-on=note"], 1),
    ],
)
def test_what_is_asked_for_decides_how_it_ends(
    typed: Typed, text: str, words: list[str], code: int
) -> None:
    typed.write("a.yaml", text)

    assert typed("audit", "--path=.", *words).returncode == code


def test_colour_is_for_a_terminal_and_never_in_a_file(typed: Typed) -> None:
    typed.write("a.yaml", UNREASONED)

    plain = typed("audit", "--path=.").stdout
    coloured = typed("audit", "--path=.", FORCE_COLOR="1").stdout
    told = typed("audit", "--path=.", "--output=report.txt", FORCE_COLOR="1").stdout

    assert "\x1b" not in plain
    assert "\x1b[33mmedium  SUP001 suppression-without-reason\x1b[0m" in coloured
    assert (typed.folder / "report.txt").read_text() == plain
    assert told == ""


def test_a_terminal_that_lacks_a_letter_gets_an_escape(typed: Typed) -> None:
    typed.write("a.yaml", UNUSED)

    outcome = typed("audit", "--path=.", PYTHONIOENCODING="ascii")

    assert r"SUP001 -- \xe9" in outcome.stdout
    assert outcome.returncode == 0


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_whose_name_is_no_text_is_named_all_the_same(typed: Typed, form: str) -> None:
    typed.write(os.fsdecode(b"a\xff\n.yaml"), UNREASONED)
    typed.commit()

    now = typed("audit", "--path=.", f"--format={form}")
    then = typed("audit", "--rev=HEAD", f"--format={form}")

    for outcome in (now, then):
        assert outcome.stderr == "error: 1 finding of severity medium or above\n"
        assert any(
            it in outcome.stdout for it in (r"a\udcff\n.yaml", "a%FF%0A.yaml", r"udcff&#92;n")
        )


def test_a_rule_is_explained(typed: Typed) -> None:
    for name in ("SUP001", "sup001", "suppression-without-reason"):
        outcome = typed("audit.explain", name)

        assert outcome.stdout.startswith("SUP001 suppression-without-reason (medium)\n\nA comment")
        assert all(part in outcome.stdout for part in ("Why:", "Example:", "Mend:"))


def test_the_rules_are_listed(typed: Typed) -> None:
    lines = typed("audit.rules").stdout.splitlines()

    assert [line.split()[0] for line in lines] == ["rule", *RULES]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda it: it.id)
def test_every_rule_says_why_and_how_to_mend(rule) -> None:
    assert all(f"\n\n{part}:" in rule.text for part in ("Why", "Example", "Mend"))
    assert rule.summary.endswith(".")
