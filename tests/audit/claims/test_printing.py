"""How verdicts are said to a person and to a program."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from pipelines.audit.claims import judging, printing
from pipelines.audit.claims.verdicts import Status, Verdict, verdicts
from pipelines.audit.findings import Confidence, Finding, Severity
from pipelines.audit.place import Place
from pipelines.errors import ConfigError
from tests.audit import repository
from tests.audit.history.checkout import Checkout

TEXT = """\
All 2 issues have been fixed.

## Fixed
- CORS locked down
- Documented rate limiting
- Restart policies added
- Everything is now nicer
"""
WILDCARD = Finding(
    "SEC003",
    "cors-wildcard",
    Severity.HIGH,
    Confidence.HIGH,
    Place("main.py", 1),
    "everybody\x1b[2J may call",
    "",
    evidence="origins = ['*']",
)


@pytest.fixture
def judged() -> list[Verdict]:
    files = {"FIXES.md": TEXT, "main.py": "cors = 1\n", "compose.yaml": "restart: always\n"}
    return verdicts(repository.model(files), [WILDCARD])


def test_the_text_has_a_line_for_each_claim_and_the_counter_evidence(
    judged: list[Verdict],
) -> None:
    assert printing.text(judged, "4f08af3799851141") == dedent(
        """\
        FIXES.md
          contradicted        FIXES.md:1  All 2 issues have been fixed.
              contradicted claims of this document stand on lines 4
          contradicted        FIXES.md:4  CORS locked down
              main.py:1  SEC003 everybody\\x1b[2J may call
                | origins = ['*']
          documentation only  FIXES.md:5  Documented rate limiting
          backed              FIXES.md:6  Restart policies added
          not checkable       FIXES.md:7  Everything is now nicer

        5 claims at 4f08af379985: 1 backed, 2 contradicted, 1 documentation only, 1 not checkable"""
    )


def test_without_claims_it_says_what_was_looked_for() -> None:
    assert printing.text([]) == (
        "no claims found: no ticked box, no summary of changes, no changelog"
    )


def test_the_json_has_everything(judged: list[Verdict]) -> None:
    document = json.loads(printing.as_json(judged))

    assert document["summary"] == {
        "backed": 1,
        "contradicted": 2,
        "documentation only": 1,
        "not checkable": 1,
    }
    assert document["claims"][0]["broken"] == [{"file": "FIXES.md", "line": 4}]
    assert document["claims"][1] == {
        "file": "FIXES.md",
        "line": 4,
        "text": "CORS locked down",
        "verdict": "contradicted",
        "numbers": [],
        "topics": ["CORS"],
        "rules": ["SEC003"],
        "scope": {"files": [], "services": []},
        "counter": [
            {
                "rule": "SEC003",
                "name": "cors-wildcard",
                "severity": "high",
                "file": "main.py",
                "line": 1,
                "message": "everybody\x1b[2J may call",
                "evidence": "origins = ['*']",
            }
        ],
        "broken": [],
        "restated": [],
    }


def test_only_the_files_asked_for_are_judged() -> None:
    tracked = repository.tracked({"notes.txt": "Health checks were added.\n", "FIXES.md": TEXT})

    assert [it.text for it in judging.judge(tracked, ["notes.txt"])] == [
        "Health checks were added."
    ]


def test_a_file_that_is_not_tracked_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no tracked file called 'FIX\.md'") as raised:
        judging.judge(repository.tracked({"FIXES.md": TEXT}), ["FIX.md"])

    assert "FIXES.md" in str(raised.value.hint)


def test_a_commit_is_held_to_its_own_message(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    id_ = checkout.commit("fix: lock down CORS", {"main.py": "allow_origins = ['*']\n"})
    said = judging.message(tmp_path, id_)

    (verdict,) = verdicts(repository.model({"main.py": "cors = 1\n"}), [WILDCARD], message=said)

    assert said == "fix: lock down CORS\n"
    assert str(verdict.place) == "commit message:1"
    assert verdict.status is Status.CONTRADICTED
    assert judging.message(tmp_path, "no-such-commit") == ""
    assert judging.message(tmp_path / "nowhere", id_) == ""
