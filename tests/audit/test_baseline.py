"""What counts as new, against a file and against the commit that a change set out from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.audit import baseline
from pipelines.audit.audit import Report
from pipelines.audit.baseline import compared, gone, of, read, written
from pipelines.audit.formats import FORMATS
from pipelines.errors import ConfigError
from tests.audit.reports import finding
from tests.audit.typed import Typed

REPORT = Report((finding(fingerprint="a"), finding(fingerprint="b", suppressed="why")), (), 2)


@pytest.mark.parametrize("form", [written, FORMATS["json"]])
def test_either_file_says_what_is_known(form, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_text(form(REPORT))

    assert read(file) == of(REPORT) == {"a": "REL002"}


def test_what_is_known_does_not_count() -> None:
    report = Report((finding(fingerprint="a"), finding(fingerprint="c")), (), 2)

    assert [it.counts for it in compared(report, {"a": "REL002"}).findings] == [False, True]


def test_what_is_gone_is_counted_for_the_rules_that_were_asked() -> None:
    assert gone(REPORT, {"a": "REL002", "x": "REL002", "y": "SEC001"}, {"REL002"}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"findings": 1}',
        '{"findings": [1]}',
        '{"findings": [{}]}',
        '{"findings": [{"fingerprint": [], "rule": ""}]}',
        '{"findings": [["fingerprint"]]}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_what_is_no_baseline_is_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(ConfigError, match="is no baseline"):
        baseline.read(file)


def test_a_missing_baseline_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the baseline .*: No such file"):
        baseline.read(tmp_path / "known.json")


UNREASONED = "image: a  # summit: ignore SUP001\n"


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    return Typed(tmp_path)


def new(typed: Typed, *words: str) -> list[str]:
    """Files with findings that count, and that they decide how the command ends."""
    outcome = typed("audit", "--path=.", "--format=json", *words)
    findings = json.loads(outcome.stdout)["findings"]
    found = [it["file"] for it in findings if not it["known"] and not it["suppressed"]]
    assert outcome.returncode == bool(found)
    return found


def test_a_written_baseline_leaves_what_comes_after_it(typed: Typed) -> None:
    typed.write("a.yaml", UNREASONED)

    assert new(typed) == ["a.yaml"]
    assert new(typed, "--write-baseline=known.json") == []
    typed.write("b.yaml", UNREASONED)
    typed.write("a.yaml", f"\n\n{UNREASONED}")  # it moved, and is the same
    assert new(typed, "--baseline=known.json") == ["b.yaml"]


def test_a_stale_baseline_is_told_of(typed: Typed) -> None:
    typed.write("a.yaml", UNREASONED)
    typed("audit", "--path=.", "--write-baseline=known.json")
    typed.write("a.yaml", "image: a\n")

    outcome = typed("audit", "--path=.", "--baseline=known.json")

    assert outcome.stderr == "known.json: 1 of 1 findings are gone\n"
    assert outcome.returncode == 0


def test_against_a_branch_only_what_the_change_brought_counts(typed: Typed) -> None:
    typed.write("a.yaml", UNREASONED)
    typed.commit()
    typed.git("checkout", "--quiet", "-b", "change")
    typed.write("b.yaml", UNREASONED)
    change = typed.commit()
    typed.git("checkout", "--quiet", "main")
    typed.write("c.yaml", UNREASONED)
    typed.commit()

    assert new(typed, f"--rev={change}", "--diff-base=main") == ["b.yaml"]
    assert new(typed, "--diff-base=change") == ["c.yaml"]


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("nowhere", "no commit called 'nowhere'"),
        ("other", "HEAD and other have no commit in common; fetch the whole history"),
    ],
)
def test_a_base_that_is_none_is_one_line(typed: Typed, base: str, said: str) -> None:
    typed.write("a.yaml", UNREASONED)
    typed.commit()
    typed.git("checkout", "--quiet", "--orphan", "other")
    typed.git("commit", "--quiet", "--allow-empty", "--message=other")
    typed.git("checkout", "--quiet", "main")

    outcome = typed("audit", "--path=.", f"--diff-base={base}")

    assert (outcome.stderr, outcome.returncode) == (f"error: {said}\n", 2)
