"""Whatever a repository holds, an audit of it ends, and says where it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipelines.audit.audit import Report, audit
from pipelines.audit.tracked import Tracked
from tests.audit.hostile.shapes import COMPOSE, CROWDS, DOCKERFILE, Files, Made, named

SHAPES = named(("broken", "bomb", "pattern", "nested", "crowd", "circle"))
# Of what takes longest for a pattern to give up on; `LINES` has more, for whoever changes one.
LINES = {
    name: made
    for name, made in named(("line",)).items()
    if name.endswith(("' '", "'${'", "'\\\\'", "'a@'", "'http://a:b@'", "'<<E '"))
}
pytestmark = pytest.mark.no_cover  # takes three times as long, and covers what others cover


def _audited(files: Files) -> Report:
    return audit(Tracked({path: _contents(data) for path, data in files.items()}))


def _contents(data: str | bytes) -> Callable[[], bytes]:
    found = data if isinstance(data, bytes) else data.encode()
    return lambda: found


@pytest.mark.timeout(
    25
)  # far more than any takes: what is quadratic takes a minute, a circle hours
@pytest.mark.parametrize("made", SHAPES.values(), ids=SHAPES)
def test_an_audit_ends(made: Made) -> None:
    files = made()
    report = _audited(files)

    places = [it.place for it in (*report.findings, *report.unread)]
    assert {place.file for place in places} <= set(files)
    assert all(place.line > 0 for place in places)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("made", LINES.values(), ids=LINES)
def test_a_line_as_long_as_a_file_may_be_is_read(made: Made) -> None:
    files = made()

    assert _audited(files).files == len(files)


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        (COMPOSE, "services:\n  api: {image: [\n", "did not find expected node content"),
        (COMPOSE, "a: " + "[" * 2_000 + "]" * 2_000 + "\nservices: {}\n", "nested too deeply"),
        (COMPOSE, "services: {}\n" + "# much\n" * 110_000, "longer than 700,000 characters"),
        ("main.py", "x = 1\n" * 90_000, "longer than 500,000 characters"),
        ("package.json", '{"scripts": ', "not valid JSON"),
        ("pyproject.toml", "[project\n", "Expected"),
        ("main.py", "def f(:\n", "invalid syntax"),
        (DOCKERFILE, "RUN true\n", "a Dockerfile without FROM"),
        (DOCKERFILE, "FROM a\n???\n", "no instruction of a Dockerfile"),
    ],
)
def test_what_cannot_be_read_is_said(file: str, text: str, reason: str) -> None:
    image = {DOCKERFILE: 'FROM python\nCOPY . .\nCMD ["python", "main.py"]\n'}
    report = _audited({**image, file: text} if file == "main.py" else {file: text})

    assert [it.place.file for it in report.unread] == [file]
    assert reason in report.unread[0].reason


@pytest.mark.parametrize(
    ("crowd", "said"),
    [
        ("services", "more than 2000 services: these are not read"),
        ("stages", "more than 200 stages or 3000 instructions: the rest is not read"),
    ],
)
def test_what_is_too_much_is_said(crowd: str, said: str) -> None:
    """Rather than be silent of the rest, or look at each with each."""
    report = _audited(CROWDS[crowd]())

    assert [it.reason for it in report.unread] == [said]
