"""Workflow commands of GitHub Actions: each finding as an annotation on its line."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding, Severity
from pipelines.audit.formats.sections import aside, number, said, totals
from pipelines.audit.formats.visible import visible
from pipelines.audit.place import Place

_COMMANDS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.NOTE: "notice",
}


def render(report: Report) -> str:
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        if finding.suppressed or finding.is_known:
            continue
        command = "notice" if finding.is_open else _COMMANDS[finding.severity]
        yield _command(command, finding.place, f"{finding.rule} {finding.name}", _text(finding))
    for unread in report.unread:
        yield _command("warning", unread.place, "not read", visible(unread.reason))
    counts = ", ".join(f"{count} {it}" for it, count in totals(report).items())
    total = number(sum(totals(report).values()), "finding")
    yield f"audit: {', '.join(filter(None, (total, counts, aside(report))))}"


def _text(finding: Finding) -> str:
    """What to say of it, in lines."""
    also = [f"{visible(str(it.place))}: {visible(it.message)}" for it in finding.also]
    mend = [f"mend: {visible(finding.remedy)}"] if finding.remedy else []
    asked = ["(open: the repository does not say)"] if finding.is_open else []
    return "\n".join([visible(said(finding)), *also, *mend, *asked])


def _command(command: str, place: Place, title: str, text: str) -> str:
    where = f"file={_property(place.file)},line={place.line},title={_property(title)}"
    return f"::{command} {where}::{_data(text)}"


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
