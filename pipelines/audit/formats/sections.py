"""A report as a person reads it: the worst rule first, findings with one remedy together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding, Severity


class Alike(NamedTuple):
    """Findings that are mended in the same way, in the order of the report."""

    remedy: str
    findings: tuple[Finding, ...]


class Section(NamedTuple):
    """What one rule found, of one severity."""

    severity: Severity
    rule: str
    name: str
    groups: tuple[Alike, ...]

    @property
    def places(self) -> int:
        return sum(len(group.findings) for group in self.groups)


def sections(report: Report) -> list[Section]:
    """All that counts."""

    def key(finding: Finding) -> tuple[int, str]:
        return -finding.severity, finding.rule

    counted = sorted((it for it in report.findings if it.counts), key=key)
    return [_section(list(found)) for _, found in groupby(counted, key)]


def _section(findings: Sequence[Finding]) -> Section:
    remedies: dict[str, list[Finding]] = {}
    for finding in findings:
        remedies.setdefault(finding.remedy, []).append(finding)
    groups = tuple(Alike(remedy, tuple(found)) for remedy, found in remedies.items())
    return Section(findings[0].severity, findings[0].rule, findings[0].name, groups)


def questions(report: Report) -> list[Finding]:
    """What the repository does not answer."""
    return [it for it in report.findings if it.is_open and not it.suppressed and not it.is_known]


def title(report: Report) -> str:
    """What was audited."""
    state = f"at {report.revision[:12]}" if report.revision else "as they are now"
    return f"{number(report.files, 'file')} {state}"


def totals(report: Report) -> dict[Severity, int]:
    """How many findings count, the worst first."""
    counts = Counter(it.severity for it in report.findings if it.counts)
    return {it: counts[it] for it in sorted(counts, reverse=True)}


def aside(report: Report) -> str:
    """How much there is that does not count: "2 open, 1 suppressed"; "" for nothing."""
    counts = (
        (len(questions(report)), "open"),
        (sum(bool(it.suppressed) for it in report.findings), "suppressed"),
        (sum(it.is_known for it in report.findings), "in the baseline"),
        (len(report.unread), "not read"),
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def said(finding: Finding) -> str:
    """The sentence, which begins with the service where it does not name it."""
    if not finding.service or finding.service in finding.message:
        return finding.message
    return f"{finding.service}: {finding.message}"


def number(count: int, word: str) -> str:
    """`1 finding`, `1,200 findings`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
