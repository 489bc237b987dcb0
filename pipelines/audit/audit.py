"""The straight line: what is tracked, its model, every rule, and the findings in one order."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pipelines.audit.findings import Also, Fault, Finding, Severity, Unread
from pipelines.audit.masking import masked
from pipelines.audit.model import Model
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.secrets import Hidden, Written
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule
from pipelines.audit.rules import RULES, suppressions
from pipelines.audit.tracked import Tracked

_LONGEST = 200  # characters of a line that are shown


class Report(NamedTuple):
    """What an audit found: findings by file, line and rule; open questions among them."""

    findings: tuple[Finding, ...]
    unread: tuple[Unread, ...]
    files: int
    revision: str = ""
    origin: str = ""  # of the repository, where that is an address


def audit(tracked: Tracked, rules: Mapping[str, Rule] = RULES) -> Report:
    """Hold the repository to the rules; those that judge what others found come last."""
    model = Model(tracked)
    reasons = suppressions.reasons(model.suppressions)
    # A judge wants to know everything.
    asked = {**RULES, **rules} if any(rule.judges for rule in rules.values()) else rules
    model.asked = frozenset(asked)
    found = [(rule, fault) for rule in asked.values() if not rule.judges for fault in rule(model)]
    hidden = _hidden(model.secrets)
    model.findings = tuple(_findings(tracked, found, hidden, reasons))
    for judge in (rule for rule in asked.values() if rule.judges):
        judged = [(judge, fault) for fault in judge(model)]
        model.findings += tuple(_findings(tracked, judged, hidden, reasons))
    findings = sorted((it for it in model.findings if it.rule in rules), key=_order)
    return Report(
        tuple(_identified(findings)),
        model.unread,
        len(tracked),
        revision=tracked.revision,
        origin=tracked.origin,
    )


def _order(finding: Finding) -> tuple[object, ...]:
    return (*finding.place, finding.rule, finding.service, finding.message)


def _hidden(secrets: Iterable[Written]) -> dict[Place, set[Hidden]]:
    """What must not be shown of each line, whichever rule shows it."""
    hidden: dict[Place, set[Hidden]] = {}
    for secret in secrets:
        hidden.setdefault(secret.place, set()).update(secret.hidden)
    return hidden


def _findings(
    tracked: Tracked,
    found: Iterable[tuple[Rule, Fault]],
    hidden: Mapping[Place, set[Hidden]],
    reasons: Mapping[tuple[str, Place], str],
) -> Iterator[Finding]:
    """One finding for each different fault, with the reason for which it may stay."""
    seen = set()
    for rule, fault in found:
        key = (rule.id, fault.place, fault.service, fault.message)
        if key not in seen:
            seen.add(key)
            reason = reasons.get((rule.id, fault.place), "")
            yield _finding(tracked, rule, fault, hidden).with_reason(reason)


def _finding(
    tracked: Tracked, rule: Rule, fault: Fault, hidden: Mapping[Place, set[Hidden]]
) -> Finding:
    def shown(place: Place) -> str:
        return _short(masked(_line(tracked, place), hidden.get(place, ())))

    severity = rule.severity if fault.severity is None else fault.severity
    if role(fault.place.file) in (Role.DEVELOPMENT, Role.EXAMPLE):
        severity = min(severity, Severity.LOW)
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=severity,
        confidence=rule.confidence if fault.confidence is None else fault.confidence,
        place=fault.place,
        message=masked(fault.message),
        remedy=fault.remedy,
        evidence=shown(fault.place),
        also=tuple(Also(it.place, it.message, shown(it.place)) for it in fault.also),
        service=fault.service,
    )


def _line(tracked: Tracked, place: Place) -> str:
    lines = tracked.lines(place.file)
    return lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""


def _short(line: str) -> str:
    """Cut only what is masked already: half a secret would not be found in the line."""
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _identified(findings: Iterable[Finding]) -> Iterator[Finding]:
    """With fingerprints made of what was found and where, without line numbers.

    Where the same stands several times in a file, they are counted from above.
    """
    times: Counter[tuple[str, ...]] = Counter()
    for it in findings:
        key = (it.rule, it.place.file, it.service, it.message, " ".join(it.evidence.split()))
        times[key] += 1
        text = "\0".join((*key, str(times[key])))
        digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
        yield replace(it, fingerprint=digest[:32])
