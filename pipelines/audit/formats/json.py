"""JSON: everything that is known of each finding, for programs and as a baseline."""

from __future__ import annotations

import json
from typing import Any

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding
from pipelines.audit.place import Place

VERSION = 1  # of the shape; docs/reference/audit.md describes it


def render(report: Report) -> str:
    document = {
        "version": VERSION,
        "revision": report.revision or None,
        "files": report.files,
        "findings": [_finding(it) for it in report.findings],
        "unread": [{**_place(it.place), "reason": it.reason} for it in report.unread],
    }
    # ASCII: what was no text in a file's name is a surrogate, which UTF-8 does not have.
    return json.dumps(document, indent=2)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        **_place(finding.place),
        "message": finding.message,
        "evidence": finding.evidence,
        "also": [
            {**_place(it.place), "message": it.message, "evidence": it.evidence}
            for it in finding.also
        ],
        "remedy": finding.remedy,
        "service": finding.service or None,
        "fingerprint": finding.fingerprint,
        "suppressed": finding.suppressed or None,
        "known": finding.is_known,
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line}
