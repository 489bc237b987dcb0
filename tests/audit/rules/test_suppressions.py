"""Which comments let a finding stay, and which do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.audit.audit import audit
from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.place import Place
from pipelines.audit.rule import rule
from pipelines.audit.rules import suppressions
from tests.audit.repository import Files, tracked


@rule("REL001", "word-bad", Severity.HIGH)
def word_bad(model: Model) -> Iterator[Fault]:
    """The word `bad` stands somewhere."""
    for path in model.tracked:
        for number, line in enumerate(model.tracked.lines(path), 1):
            if "bad" in line:
                yield Fault(Place(path, number), "bad", "say good")


ASKED = {it.id: it for it in (word_bad, *suppressions.RULES)}


def left(files: Files) -> list[str]:
    """What is found and not suppressed: rule and place."""
    findings = audit(tracked(files), ASKED).findings
    return [f"{it.rule} {it.place}" for it in findings if not it.suppressed]


def reasons(files: Files) -> list[str]:
    return [it.suppressed for it in audit(tracked(files), ASKED).findings if it.suppressed]


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("a.sh", "bad  # summit: ignore REL001 -- it is meant", "it is meant"),
        ("a.sh", "bad  #summit: ignore rel001 -- it is meant", "it is meant"),
        ("a.js", "bad()  // summit: ignore REL001 -- it is meant", "it is meant"),
        ("a.css", "bad  /* summit: ignore REL001 -- it is meant */", "it is meant"),
        ("a.html", "bad  <!-- summit: ignore REL001 -- it is meant -->", "it is meant"),
        ("a.ini", "; summit: ignore REL001 -- it is meant\nbad = 1", "it is meant"),
        ("a.yaml", "# summit: ignore REL001 -- above\nbad: 1", "above"),
        ("a.yaml", "# summit: ignore REL001 -- first\n# and more\nbad: 1", "first"),
        ("a.yaml", "bad: it's  # summit: ignore REL001 -- x", None),  # an open quote
        ("a.yaml", 'bad: "it\'s"  # summit: ignore REL001 -- x', "x"),
        ("a.py", 's = """\n# summit: ignore REL001 -- x\nbad"""', None),
        ("a.py", "bad = 1  # summit: ignore REL001 -- x", "x"),
        ("a.py", "bad = '# summit: ignore REL001 -- x'", None),
        ("a.py", "bad = (  # summit: ignore REL001 -- half a file", "half a file"),
        ("a.sh", "echo '# summit: ignore REL001 -- bad'", None),
        ("a.sh", "bad # summit: ignore SUP001, REL001 -- both", "both"),
        ("a.yaml", "# summit: ignore REL001 -- too far\n\nbad: 1", None),
        ("a.yaml", "fine: 1  # summit: ignore REL001 -- of that line\nbad: 1", None),
        ("a.md", "<!-- summit: ignore REL001 -- x -->\nbad", "x"),
        ("a.md", "```\n<!-- summit: ignore REL001 -- x -->\n```\nbad", None),
        ("notes.txt", "bad # summit: ignore REL001 -- x", None),
        ("tests/a.sh", "bad # summit: ignore REL001 -- x", None),
        ("a.sh", b"bad \xff # summit: ignore REL001 -- x\xff", "x\N{REPLACEMENT CHARACTER}"),
        ("a.sh", "bad # " + "x" * 3000 + "# summit: ignore REL001 -- x", None),
    ],
)
def test_only_a_comment_with_a_reason_lets_a_finding_stay(
    file: str, text: str | bytes, reason: str | None
) -> None:
    assert reasons({file: text}) == ([] if reason is None else [reason])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bad  # summit: ignore REL001", ["REL001 a.sh:1", "SUP001 a.sh:1"]),
        ("bad  # summit: ignore REL001 --", ["REL001 a.sh:1", "SUP001 a.sh:1"]),
        ("bad  # summit: ignore REL001 because", ["REL001 a.sh:1", "SUP001 a.sh:1"]),
        ("good  # summit: ignore REL001 -- x", ["SUP002 a.sh:1"]),
        ("bad  # summit: ignore REL01 -- x", ["REL001 a.sh:1", "SUP002 a.sh:1"]),
        ("bad  # summit: ignore", ["REL001 a.sh:1", "SUP002 a.sh:1"]),
        ("bad  # summit: ignore -- x", ["REL001 a.sh:1", "SUP002 a.sh:1"]),
        ("# I use summit: ignore it", []),
        ("# summit: ignored", []),
    ],
)
def test_a_suppression_that_does_nothing_is_a_finding(text: str, expected: list[str]) -> None:
    assert left({"a.sh": text}) == expected


def test_a_workflow_is_suppressed_where_the_finding_is() -> None:
    files = {
        ".github/workflows/ci.yml": """\
            jobs:
              test:
                steps:
                  - run: |
                      make bad
                      # summit: ignore REL001 -- the second is known to be slow
                      make bad
            """
    }

    assert left(files) == ["REL001 .github/workflows/ci.yml:5"]
