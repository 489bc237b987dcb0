"""Text for a person: the worst rule first, each place with its line, each remedy once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding, Severity, Unread
from pipelines.audit.formats.sections import (
    Alike,
    Section,
    aside,
    number,
    questions,
    said,
    sections,
    title,
    totals,
)
from pipelines.audit.formats.visible import visible
from pipelines.audit.place import Place
from pipelines.console import Colour, paint

_COLOURS = {
    Severity.HIGH: Colour.BAD,
    Severity.MEDIUM: Colour.WARN,
    Severity.LOW: Colour.GOOD,
    Severity.NOTE: Colour.DIM,
}
_MOST = 3  # further places of one finding; the other formats have all


def render(report: Report) -> str:
    found, asked = sections(report), questions(report)
    parts = [
        f"audited {title(report)}",
        *map(_section, found),
        *([_questions(asked)] if asked else []),
        *([_unread(report.unread)] if report.unread else []),
        _summary(report, [*(it.rule for it in found), *(it.rule for it in asked)]),
    ]
    return "\n\n".join(parts)


def _section(section: Section) -> str:
    head = paint(f"{section.severity}  {section.rule} {section.name}", _COLOURS[section.severity])
    count = f"  ({section.places} places)" if section.places > 1 else ""
    groups = "\n\n".join("\n".join(_group(group)) for group in section.groups)
    return f"{head}{count}\n{groups}"


def _group(group: Alike) -> Iterator[str]:
    for finding in group.findings:
        yield from _finding(finding)
    if group.remedy:
        yield f"  {paint('mend:', Colour.GOOD)} {visible(group.remedy)}"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {_where(finding.place)}  {visible(said(finding))}"
    yield from _line(finding.evidence)
    for also in finding.also[:_MOST]:
        yield f"    {_where(also.place)}  {visible(also.message)}"
        yield from _line(also.evidence)
    if len(finding.also) > _MOST:
        yield f"    and {number(len(finding.also) - _MOST, 'place')} more"


def _line(evidence: str) -> Iterator[str]:
    if evidence:
        yield f"      {paint(f'| {visible(evidence)}', Colour.DIM)}"


def _where(place: Place) -> str:
    return visible(str(place))


def _questions(findings: Iterable[Finding]) -> str:
    lines = (line for it in findings for line in _question(it))
    return "\n".join([paint("open: the repository does not say", Colour.WARN), *lines])


def _question(finding: Finding) -> Iterator[str]:
    head, *rest = _finding(finding)
    yield f"{head}  ({finding.rule})"
    yield from rest


def _unread(unread: Iterable[Unread]) -> str:
    lines = (f"  {_where(it.place)}  {visible(it.reason)}" for it in unread)
    return "\n".join([paint("not read", Colour.WARN), *lines])


def _summary(report: Report, rules: Sequence[str]) -> str:
    counts = totals(report)
    parts = ", ".join(paint(f"{count} {it}", _COLOURS[it]) for it, count in counts.items())
    total = number(sum(counts.values()), "finding")
    lines = [
        f"{total}: {parts}" if parts else paint("no findings", Colour.GOOD),
        aside(report),
        f"next: inv audit.explain {rules[0]}" if rules else "",
    ]
    return "\n".join(filter(None, lines))
