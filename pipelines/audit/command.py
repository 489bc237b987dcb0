"""The straight line of `inv audit`: what was asked for, a report, how it is said, what counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pipelines import console
from pipelines.audit import baseline, explain, tracked
from pipelines.audit.audit import Report, audit
from pipelines.audit.claims.verdicts import Status
from pipelines.audit.findings import Severity
from pipelines.audit.formats import FORMATS
from pipelines.audit.rule import Rule
from pipelines.audit.rules import RULES
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, SummitError
from pipelines.files import write_atomically

if TYPE_CHECKING:
    from pipelines.audit.fixes import Fixed

FORMAT = "text"  # unless another is asked for
FAIL_ON = str(Severity.MEDIUM)
T = TypeVar("T")


class Asked(NamedTuple):
    """What a person asked for; `revision` is "" for the files as they are now."""

    path: Path
    revision: str = ""
    format: str = FORMAT
    output: Path | None = None  # stdout
    fail_on: str = FAIL_ON
    only: tuple[str, ...] = ()  # rules
    baseline: Path | None = None
    write_baseline: Path | None = None
    diff_base: str = ""  # a commit; what was found where it and the audited one parted is known


class Contradicted(SummitError):
    """Something that is claimed does not hold."""

    def __init__(self, count: int, of: int) -> None:
        super().__init__(f"{count} of {of} claims are contradicted")


class Found(SummitError):
    """The audit found something that is at least as severe as was asked to fail on."""

    def __init__(self, count: int, severity: Severity) -> None:
        findings = "1 finding" if count == 1 else f"{count} findings"
        super().__init__(f"{findings} of severity {severity} or above")


def run(asked: Asked) -> None:
    """Audit and print. Raises `Found`, and `ConfigError` for what cannot be."""
    render = _chosen("format", asked.format, FORMATS)
    severity = _chosen("severity", asked.fail_on, {str(it): it for it in Severity})
    rules = _rules(asked.only)
    report = _compared(audit(tracked.read(asked.path, asked.revision), rules), asked, rules)
    _say(render(report), asked.output)
    _judge(report, severity)


def claims(asked: Asked, files: Sequence[str]) -> None:
    """Hold what documents claim against what the audit finds, and print a verdict for each claim.

    Raises `Contradicted`, and `ConfigError` for a file that is not tracked.
    """
    from pipelines.audit.claims import judging, printing

    render = _chosen("format", asked.format, printing.FORMATS)
    found = judging.judge(
        tracked.read(asked.path, asked.revision),
        files,
        judging.message(asked.path, asked.revision),
    )
    _say(render(found, asked.revision), asked.output)
    count = sum(it.status is Status.CONTRADICTED for it in found)
    if count:
        raise Contradicted(count, len(found))


def history(asked: Asked, limit: int) -> None:
    """Audit the commits that lead to a revision, and print when each issue came and went."""
    from pipelines.audit.history import command

    render = _chosen("format", asked.format, command.FORMATS)
    _say(render(command.history(asked.path, asked.revision, limit=limit)), asked.output)


def fix(asked: Asked, *, pins: Path | None, is_written: bool) -> None:
    """Print what would be fixed as a diff, and write it when that is asked for.

    Raises `ConfigError` where there is no working copy to write to.
    """
    from pipelines.audit import fixes
    from pipelines.audit.fixes import pins as maps

    if is_written and asked.revision:
        raise ConfigError("what was committed cannot be fixed", hint="leave out --rev")
    files = tracked.read(asked.path, asked.revision)
    fixed = fixes.fix(files, maps.read(pins) if pins else {})
    _say(fixed.diff(files).rstrip("\n"), asked.output)
    if is_written:
        for path, text in fixed.texts.items():
            write_atomically(asked.path / path, text)
    console.progress(_summary(fixed, is_written=is_written))


def _summary(fixed: Fixed, *, is_written: bool) -> str:
    count = len(fixed.findings)
    what = f"{count} finding{'' if count == 1 else 's'} in {len(fixed.texts)} files"
    said = f"fixed {what}" if is_written else f"would fix {what}; --apply writes it"
    left = f"; {len(fixed.refused)} fixes did not stand the audit" if fixed.refused else ""
    return f"{said}{left}" if count else f"nothing can be fixed safely{left}"


def _compared(report: Report, asked: Asked, rules: Mapping[str, Rule]) -> Report:
    """The report, in which known findings are told from new ones."""
    known: dict[str, str] = {}
    if asked.diff_base:
        base = tracked.merge_base(asked.path, asked.revision, asked.diff_base)
        known |= baseline.of(audit(tracked.read(asked.path, base), rules))
    if asked.baseline:
        before = baseline.read(asked.baseline)
        known |= before
        if gone := baseline.gone(report, before, rules):
            console.progress(f"{asked.baseline}: {gone} of {len(before)} findings are gone")
    if asked.write_baseline:
        write_atomically(asked.write_baseline, f"{baseline.written(report)}\n")
        known |= baseline.of(report)
    return baseline.compared(report, known)


def _rules(only: Iterable[str]) -> Mapping[str, Rule]:
    return {it.id: it for it in map(explain.find, only)} or RULES


def _chosen(what: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise ConfigError(f"no {what} called {name!r}", hint=nearest(name, known))
    return known[name]


def _say(text: str, output: Path | None) -> None:
    if output is None:
        console.result(text)
    else:
        write_atomically(output, f"{console.plain(text)}\n")


def _judge(report: Report, severity: Severity) -> None:
    count = sum(it.counts and it.severity >= severity for it in report.findings)
    if count:
        raise Found(count, severity)
