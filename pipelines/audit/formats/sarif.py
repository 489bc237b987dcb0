"""SARIF 2.1.0: what code hosts and editors read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding, Severity, Unread
from pipelines.audit.formats.sections import said
from pipelines.audit.formats.visible import visible
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule
from pipelines.audit.rules import RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}
Json = dict[str, Any]


def render(report: Report) -> str:
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}, indent=2)


def _run(report: Report) -> Json:
    return {
        "tool": {"driver": {"name": "summit audit", "rules": [_rule(it) for it in RULES.values()]}},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "where the audit began"}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(it) for it in report.unread],
            }
        ],
        **_provenance(report),
        "results": [_result(it) for it in report.findings],
    }


def _provenance(report: Report) -> Json:
    if not (report.revision and report.origin):
        return {}
    where = {"repositoryUri": report.origin, "revisionId": report.revision}
    return {"versionControlProvenance": [{**where, "mappedTo": {"uriBaseId": _ROOT}}]}


def _rule(rule: Rule) -> Json:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary or rule.name},
        "help": {"text": rule.text or rule.name, "markdown": rule.text or rule.name},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"severity": str(rule.severity), "confidence": str(rule.confidence)},
    }


def _result(finding: Finding) -> Json:
    # What is no failure has no level: section 3.27.10 of the standard.
    kind, level = ("open", "none") if finding.is_open else ("fail", _LEVELS[finding.severity])
    return {
        "ruleId": finding.rule,
        **({"ruleIndex": list(RULES).index(finding.rule)} if finding.rule in RULES else {}),
        "kind": kind,
        "level": level,
        "message": {"text": _message(finding)},
        "locations": [_location(finding.place, finding.evidence)],
        "relatedLocations": [
            {"id": at, "message": {"text": visible(it.message)}, **_location(it.place, it.evidence)}
            for at, it in enumerate(finding.also, 1)
        ],
        "partialFingerprints": {"summitAudit/v1": finding.fingerprint},
        "suppressions": _suppressions(finding),
        "properties": {
            "severity": str(finding.severity),
            "confidence": str(finding.confidence),
            **({"service": visible(finding.service)} if finding.service else {}),
        },
    }


def _message(finding: Finding) -> str:
    remedy = f"\n\nMend: {visible(finding.remedy)}" if finding.remedy else ""
    return f"{visible(said(finding))}{remedy}"


def _location(place: Place, evidence: str = "") -> Json:
    region: Json = {"startLine": place.line}
    if evidence:
        region["snippet"] = {"text": visible(evidence)}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.file), "uriBaseId": _ROOT},
            "region": region,
        }
    }


def _uri(path: str) -> str:
    """A relative reference: `:` and all that is no letter is encoded, byte by byte."""
    return quote(path.encode(errors="surrogateescape"), safe="/")


def _suppressions(finding: Finding) -> list[Json]:
    found: list[Json] = []
    if finding.suppressed:
        found.append({"kind": "inSource", "justification": visible(finding.suppressed)})
    if finding.is_known:
        found.append({"kind": "external", "justification": "in the baseline"})
    return found


def _notification(unread: Unread) -> Json:
    return {
        "level": "warning",
        "message": {"text": f"not read: {visible(unread.reason)}"},
        "locations": [_location(unread.place)],
    }
