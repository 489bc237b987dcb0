"""Text for a person: the worst rule first, each place with its line, each remedy once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding, Severity, Unread
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
    certain = [it for it in report.findings if it.counts]
    asked = [it for it in report.findings if it.is_open and not it.suppressed and not it.is_known]
    sections = [
        _header(report),
        *_rules(certain),
        *([_questions(asked)] if asked else []),
        *([_unread(report.unread)] if report.unread else []),
        _summary(report, certain, asked),
    ]
    return "\n\n".join(sections)


def _header(report: Report) -> str:
    state = f"at {report.revision[:12]}" if report.revision else "as they are now"
    return f"audited {_number(report.files, 'file')} {state}"


def _rules(findings: Iterable[Finding]) -> Iterator[str]:
    """A section for each rule and severity, the worst first."""

    def key(finding: Finding) -> tuple[int, str]:
        return -finding.severity, finding.rule

    for _, alike in groupby(sorted(findings, key=key), key):
        yield _rule(list(alike))


def _rule(findings: Sequence[Finding]) -> str:
    first = findings[0]
    head = paint(f"{first.severity}  {first.rule} {first.name}", _COLOURS[first.severity])
    count = f"  ({len(findings)} places)" if len(findings) > 1 else ""
    return "\n".join([f"{head}{count}", *_by_remedy(findings)])


def _by_remedy(findings: Iterable[Finding]) -> Iterator[str]:
    """Every finding, and after all that have the same remedy what it is."""
    remedies: dict[str, list[Finding]] = {}
    for finding in findings:
        remedies.setdefault(finding.remedy, []).append(finding)
    for remedy, alike in remedies.items():
        for finding in alike:
            yield from _finding(finding)
        if remedy:
            yield f"  {paint('mend:', Colour.GOOD)} {visible(remedy)}"


def _finding(finding: Finding) -> Iterator[str]:
    service = f"{visible(finding.service)}: " if finding.service else ""
    yield f"  {_where(finding.place)}  {service}{visible(finding.message)}"
    yield from _line(finding.evidence, "      ")
    for also in finding.also[:_MOST]:
        yield f"    {_where(also.place)}  {visible(also.message)}"
        yield from _line(also.evidence, "      ")
    if len(finding.also) > _MOST:
        yield f"    and {_number(len(finding.also) - _MOST, 'place')} more"


def _line(evidence: str, indent: str) -> Iterator[str]:
    if evidence:
        yield f"{indent}{paint(f'| {visible(evidence)}', Colour.DIM)}"


def _where(place: Place) -> str:
    return visible(str(place))


def _questions(findings: Iterable[Finding]) -> str:
    lines = [line for it in findings for line in _question(it)]
    return "\n".join([paint("open: the repository does not say", Colour.WARN), *lines])


def _question(finding: Finding) -> Iterator[str]:
    head, *rest = _finding(finding)
    yield f"{head}  ({finding.rule})"
    yield from rest


def _unread(unread: Iterable[Unread]) -> str:
    lines = (f"  {_where(it.place)}  {visible(it.reason)}" for it in unread)
    return "\n".join([paint("not read", Colour.WARN), *lines])


def _summary(report: Report, certain: Sequence[Finding], asked: Sequence[Finding]) -> str:
    counts = Counter(it.severity for it in certain)
    parts = [
        paint(f"{counts[it]} {it}", _COLOURS[it])
        for it in sorted(Severity, reverse=True)
        if counts[it]
    ]
    total = _number(len(certain), "finding")
    lines = [f"{total}: {', '.join(parts)}" if parts else paint("no findings", Colour.GOOD)]
    aside = [
        (len(asked), "open"),
        (sum(bool(it.suppressed) for it in report.findings), "suppressed"),
        (sum(it.is_known for it in report.findings), "in the baseline"),
        (len(report.unread), "not read"),
    ]
    lines += [", ".join(f"{count} {word}" for count, word in aside if count)]
    if certain or asked:
        worst = min(certain or asked, key=lambda it: (-it.severity, it.rule)).rule
        lines += [f"next: inv audit.explain {worst}"]
    return "\n".join(filter(None, lines))


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
