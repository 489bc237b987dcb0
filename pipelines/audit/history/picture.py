"""Pictures of a history as SVG: commits from left to right, a bar while an issue was there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from pipelines.audit.findings import Severity
from pipelines.audit.history.issues import History, Issue, Span
from pipelines.audit.history.walk import Commit

WIDTH = 960
_LEFT = 300  # for the names of rows
_RIGHT = 12
_ROW = 18
_BAR = 11
_TOP = 26  # for the days
_CHART = 120  # the height of the sums
_DAYS = 6  # that are named below each other at most
_LONGEST = 44  # characters of a row's name
_FOREIGN = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Row(NamedTuple):
    """One line of a picture: its name, and bars, each with what it says when pointed at."""

    name: str
    bars: tuple[tuple[Span, Severity, str], ...]


def timeline(history: History, rows: Sequence[Row], title: str, name: str) -> str:
    """A row for each of these, over all commits."""
    height = _TOP + _ROW * len(rows) + 6
    described = f"{len(rows)} rows over {len(history.commits)} commits, oldest at the left"
    picture = _picture(height, title, described, name)
    _days(picture, history.commits, height)
    for at, row in enumerate(rows):
        y = _TOP + _ROW * at
        label = _element(picture, "text", x=_LEFT - 8, y=y + 12, **{"class": "name"})
        label.text = _text(_short(row.name))
        _element(label, "title").text = _text(row.name)
        for span, severity, said in row.bars:
            left, right = _reach(span, len(history.commits))
            bar = _element(
                picture, "rect", x=left, y=y + 3, width=max(right - left, 1.5), height=_BAR, rx=2
            )
            bar.set("class", str(severity))
            _element(bar, "title").text = _text(said)
    return _written(picture)


def sums(history: History, title: str, name: str) -> str:
    """How many issues of each severity every commit has, one upon the other."""
    counts = _counts(history)
    most = max((sum(column) for column in counts), default=0) or 1
    picture = _picture(_CHART + _TOP + 8, title, _spoken(history, counts), name)
    _days(picture, history.commits, _CHART + _TOP)
    for share in (0.0, 0.5, 1.0):
        y = _round(_TOP + _CHART * (1 - share))
        label = _element(picture, "text", x=_LEFT - 8, y=y + 4, **{"class": "name"})
        label.text = str(round(most * share))
        _element(picture, "line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y)
    for severity in Severity:
        area = _element(picture, "path", d=_area(counts, severity, most))
        area.set("class", str(severity))
        _element(area, "title").text = f"severity {severity}"
    return _written(picture)


def rule_row(history: History, rule: str, issues: Sequence[Issue]) -> Row:
    """A rule's row: a bar for as long as the number of its issues was the same."""
    changes = [0] * (len(history.commits) + 1)
    for span in (span for it in issues for span in it.spans):
        changes[span.came] += 1
        changes[len(history.commits) if span.went is None else span.went] -= 1
    severity = max(it.finding.severity for it in issues)
    bars = []
    count, since = 0, 0
    for at, change in enumerate(changes):
        if (change or at == len(history.commits)) and at:
            if count:
                span = Span(since, at)
                number = "1 issue" if count == 1 else f"{count} issues"
                bars.append((span, severity, f"{rule}: {number}, {_between(history, span)}"))
            since = at
        count += change
    return Row(f"{rule} {issues[0].finding.name}", tuple(bars))


def issue_row(history: History, issue: Issue) -> Row:
    """An issue's row: a bar for each time that it was there."""
    it = issue.finding
    return Row(
        str(it.place),
        tuple(
            (span, it.severity, f"{it.message}: {_between(history, span)}") for span in issue.spans
        ),
    )


def _between(history: History, span: Span) -> str:
    came = history.commits[span.came]
    said = f"from {came.short} ({came.day})"
    if span.went is None or span.went == len(history.commits):
        return f"{said} until now"
    went = history.commits[span.went]
    return f"{said} to {went.short} ({went.day})"


def _counts(history: History) -> list[list[int]]:
    """Of every commit the number of issues by severity."""
    changes = [[0] * len(Severity) for _ in range(len(history.commits) + 1)]
    for it in history.issues:
        for span in it.spans:
            changes[span.came][it.finding.severity] += 1
            changes[-1 if span.went is None else span.went][it.finding.severity] -= 1
    counts: list[list[int]] = []
    for column in changes[:-1]:
        before = counts[-1] if counts else [0] * len(Severity)
        counts.append([old + new for old, new in zip(before, column, strict=True)])
    return counts


def _spoken(history: History, counts: Sequence[Sequence[int]]) -> str:
    first, last = (sum(counts[at]) for at in (0, -1))
    return f"{first} issues at the first of {len(history.commits)} commits, {last} at the last"


def _area(counts: Sequence[Sequence[int]], severity: Severity, most: int) -> str:
    """The steps of one severity upon those below it."""

    def height(column: Sequence[int], upto: int) -> float:
        return _round(_TOP + _CHART * (1 - sum(column[:upto]) / most))

    edges = [_reach(Span(at, at + 1), len(counts)) for at in range(len(counts))]
    top = [
        f"{x},{height(column, severity + 1)}"
        for column, edge in zip(counts, edges, strict=True)
        for x in edge
    ]
    below = [
        f"{x},{height(column, severity)}"
        for column, edge in zip(counts, edges, strict=True)
        for x in edge
    ]
    return f"M{' L'.join([*top, *reversed(below)])} Z"


def _reach(span: Span, commits: int) -> tuple[float, float]:
    """Where a span begins and ends, in the picture."""
    step = (WIDTH - _LEFT - _RIGHT) / commits
    end = commits if span.went is None else span.went
    return _round(_LEFT + step * span.came), _round(_LEFT + step * end)


def _days(picture: ET.Element, commits: Sequence[Commit], height: int) -> None:
    """The day of some commits above, with a line through all rows."""
    for at in _spread(len(commits)):
        x = _reach(Span(at), len(commits))[0]
        _element(picture, "line", x1=x, x2=x, y1=_TOP - 6, y2=height)
        label = _element(picture, "text", x=x + 2, y=_TOP - 10)
        label.text = commits[at].day


def _spread(count: int) -> Iterable[int]:
    return range(0, count, max(1, -(-count // _DAYS)))


def _short(name: str) -> str:
    """A name cut where it says least: at the beginning of a path."""
    return name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"


def _picture(height: int, title: str, described: str, name: str) -> ET.Element:
    picture = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {WIDTH} {height}",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-desc",
        },
    )
    _element(picture, "title", id=f"{name}-title").text = _text(title)
    _element(picture, "desc", id=f"{name}-desc").text = _text(described)
    return picture


def _element(parent: ET.Element, tag: str, **attributes: object) -> ET.Element:
    return ET.SubElement(parent, tag, {key: str(value) for key, value in attributes.items()})


def _written(picture: ET.Element) -> str:
    ET.indent(picture)
    return ET.tostring(picture, encoding="unicode")


def _text(text: str) -> str:
    """The text without the characters that XML has no way to write."""
    return _FOREIGN.sub("\ufffd", text)


def _round(number: float) -> float:
    return round(number, 2)


def rows_of(history: History, issues: Iterable[Issue]) -> Iterator[Row]:
    """A row for each issue, those that are there now first."""
    ordered = sorted(issues, key=lambda it: (not it.is_there, it.finding.place, it.spans[0].came))
    return (issue_row(history, it) for it in ordered)
