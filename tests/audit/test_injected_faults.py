"""Faults that are planted in clean systems: each is found, at its line, and nothing else is.

The table is in `tests/audit/injected/`, a family a module.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from pipelines.audit.audit import audit
from pipelines.audit.findings import Finding
from pipelines.audit.rules import RULES
from tests.audit.injected import EXCEPTIONS, INJECTIONS
from tests.audit.injected.injection import Edit, Injection, system, tracked

pytestmark = pytest.mark.no_cover  # takes three times as long, and covers what others cover
SYSTEMS = ("bikeshare", "clinic", "parcels")
FEWEST = 10


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_is_clean_before(name: str) -> None:
    report = audit(tracked(system(name)))

    assert [f"{it.rule} {it.place} {it.message}" for it in report.findings] == []
    assert report.unread == ()


@pytest.mark.parametrize("injection", INJECTIONS, ids=str)
def test_an_injected_fault_changes_exactly_one_finding(injection: Injection) -> None:
    known = _fingerprints(injection.system, injection.given)
    report = audit(tracked(injection.after()))

    appeared = [it for it in report.findings if it.fingerprint not in known]

    assert [_told(it) for it in appeared] == [f"{injection.rule} {injection.place()}"], _said(
        appeared
    )


@pytest.mark.parametrize("rule", [id_ for id_ in RULES if not id_.startswith("SUP")])
def test_a_rule_has_ten_faults_in_three_systems(rule: str) -> None:
    mine = [it for it in INJECTIONS if it.rule == rule]

    assert len(mine) >= FEWEST
    assert {it.system for it in mine} == set(EXCEPTIONS.get(rule, SYSTEMS))


def test_no_two_faults_are_the_same() -> None:
    names = Counter(map(str, INJECTIONS))
    contents = Counter((it.rule, tuple(sorted(it.after().items()))) for it in INJECTIONS)

    assert [name for name, times in names.items() if times > 1] == []
    assert [rule for (rule, _), times in contents.items() if times > 1] == []


@cache
def _fingerprints(name: str, given: tuple[Edit, ...]) -> frozenset[str]:
    before = Injection("", name, "", (), given=given).before()
    return frozenset(it.fingerprint for it in audit(tracked(before)).findings)


def _told(finding: Finding) -> str:
    """A finding as it is expected; an open question, or another rule's, with what it says."""
    return f"{finding.rule} {finding.place}" + (" is unknown" if finding.is_open else "")


def _said(findings: list[Finding]) -> str:
    return "\n".join(f"{it.rule} {it.severity} {it.place} {it.message}" for it in findings)
