"""Markdown for a comment on a pull request: a table of what counts, the rest in short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding
from pipelines.audit.formats.sections import aside, number, questions, said, sections, title, totals
from pipelines.audit.formats.visible import visible
from pipelines.audit.place import Place

_MOST = 20_000  # characters of a table; a comment has at most 65,536
_LONGEST = 160  # characters of a cell
_SYNTAX = re.compile(r"[\\`*_\[\]()<>#|~&@:$]")
# A forge looks for `@somebody` and `#1` in what has been rendered: the comment parts the two.
_ENTITIES = {"@": "&#64;<!-- -->", "#": "&#35;<!-- -->"}


def render(report: Report) -> str:
    found = [
        finding for it in sections(report) for group in it.groups for finding in group.findings
    ]
    parts = [
        _heading(report),
        *_table("what, and how to mend it", found),
        *_table("open: the repository does not say", questions(report)),
        *([_unread(report)] if report.unread else []),
    ]
    return "\n\n".join(parts)


def _heading(report: Report) -> str:
    counts = totals(report)
    total = f"**{number(sum(counts.values()), 'finding')}**" if counts else "**No findings**"
    parts = [f"{count} {it}" for it, count in counts.items()]
    rest = ", ".join(filter(None, [*parts, aside(report)]))
    return f"### Audit of {title(report)}\n\n{total}{f': {rest}' if rest else ''}"


def _table(heading: str, findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    rows = list(_fitting(map(_row, findings)))
    yield "\n".join(
        [f"| severity | rule | where | {heading} |", "| --- | --- | --- | --- |", *rows]
    )
    if left := len(findings) - len(rows):
        yield f"and {left} more"


def _fitting(rows: Iterable[str]) -> Iterator[str]:
    """The first rows, as far as there is room."""
    room = _MOST
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            return
        yield row


def _row(finding: Finding) -> str:
    also = [f"{_where(it.place)} {_text(it.message)}" for it in islice(finding.also, 2)]
    mend = [f"<i>{_text(finding.remedy)}</i>"] if finding.remedy else []
    cells = (
        str(finding.severity),
        f"{finding.rule}<br>{finding.name}",
        _where(finding.place),
        "<br>".join([_text(said(finding)), *also, *mend]),
    )
    return f"| {' | '.join(cells)} |"


def _unread(report: Report) -> str:
    rows = _fitting(f"| {_where(it.place)} | {_text(it.reason)} |" for it in report.unread)
    return "\n".join(["| not read | why |", "| --- | --- |", *rows])


def _where(place: Place) -> str:
    return f"<code>{_text(str(place))}</code>"


def _text(text: str) -> str:
    """The text as it is: nothing of it is syntax, a mention or a reference."""
    seen = visible(text)
    short = seen if len(seen) <= _LONGEST else f"{seen[:_LONGEST]}..."
    return _SYNTAX.sub(lambda it: _ENTITIES.get(it[0], f"&#{ord(it[0])};"), short)
