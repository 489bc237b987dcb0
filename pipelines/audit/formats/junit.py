"""JUnit XML: a test for each finding, and one that passed for each rule that found nothing."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding, Severity
from pipelines.audit.formats.visible import visible
from pipelines.audit.rules import RULES

_FAILS = Severity.MEDIUM  # what is less severe passes, and says so


def render(report: Report) -> str:
    suite = Element("testsuite", name="audit")
    for finding in report.findings:
        _case(suite, finding)
    found = {it.rule for it in report.findings}
    for rule in RULES.values():
        if rule.id not in found:
            SubElement(suite, "testcase", classname=rule.id, name=rule.name)
    for unread in report.unread:
        case = SubElement(suite, "testcase", classname="not read", name=visible(str(unread.place)))
        SubElement(case, "skipped", message=visible(unread.reason))
    for outcome, kind in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        suite.set(outcome, str(sum(1 for _ in suite.iter(kind))))
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(suites, encoding="unicode")}'


def _case(suite: Element, finding: Finding) -> None:
    place, message = visible(str(finding.place)), visible(finding.message)
    case = SubElement(suite, "testcase", classname=finding.rule, name=f"{place} {message}")
    if reason := _skipped(finding):
        SubElement(case, "skipped", message=visible(reason))
    elif finding.severity >= _FAILS:
        failure = SubElement(case, "failure", type=str(finding.severity), message=message)
        failure.text = _text(finding)
    else:
        SubElement(case, "system-out").text = f"{finding.severity}: {_text(finding)}"


def _skipped(finding: Finding) -> str:
    if finding.suppressed:
        return f"suppressed: {finding.suppressed}"
    if finding.is_known:
        return "in the baseline"
    return "open: the repository does not say" if finding.is_open else ""


def _text(finding: Finding) -> str:
    service = f"service: {visible(finding.service)}" if finding.service else ""
    also = (f"{it.place} {it.message}: {it.evidence}" for it in finding.also)
    lines = [service, finding.evidence, *also, finding.remedy]
    return "\n".join(visible(line) for line in lines if line)
