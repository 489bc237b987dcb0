"""Reports to print: a plain one, and one in which every text is hostile."""

from __future__ import annotations

from typing import Any

from pipelines.audit.audit import Report
from pipelines.audit.findings import Also, Confidence, Finding, Severity, Unread
from pipelines.audit.place import Place

NASTY = (
    "\x1b[31m\a\0\r\n::error::x%0A]]>--></textarea><script>alert(1)</script>&amp;\"' "
    "|a|b| `c` [d](e) @somebody #1 "
    "\u202e\u2028\udcff \ud800 \ufffe\x85\u200b" + "x" * 5_000
)
FILE = "a b/%41:,=\udcff<i>|`#?é\n.yaml"  # a name may be any bytes but zero


def finding(**given: Any) -> Finding:
    """A finding, as it is or with something else about it."""
    return Finding(
        **{
            "rule": "REL002",
            "name": "probe-binary-missing",
            "severity": Severity.HIGH,
            "confidence": Confidence.HIGH,
            "place": Place("compose.yaml", 7),
            "message": "the health check calls `curl`, which python:3.11-slim has not",
            "remedy": "ask with the Python that is there",
            "evidence": 'test: ["CMD", "curl", "-f", "http://localhost:8000"]',
            "also": (Also(Place("api/Dockerfile", 1), "the image", "FROM python:3.11-slim"),),
            "service": "api",
            "fingerprint": "0123456789abcdef0123456789abcdef",
            **given,
        }
    )


PLAIN = Report(
    (
        finding(),
        finding(place=Place("compose.yaml", 19), service="web", fingerprint="1" * 32),
        finding(
            rule="REL010",
            name="no-memory-limit",
            severity=Severity.NOTE,
            place=Place("compose.yaml", 2),
            message="no limit of memory",
            remedy="",
            also=(),
            service="",
            fingerprint="2" * 32,
        ),
        finding(confidence=Confidence.UNKNOWN, message="nobody knows", fingerprint="3" * 32),
        finding(suppressed="it is meant", fingerprint="4" * 32),
        finding(is_known=True, fingerprint="5" * 32),
    ),
    (Unread(Place("broken.yaml", 3), "no YAML: expected a key"),),
    files=12,
    revision="4f08af30000000000000000000000000000000ab",
)
CLEAN = Report((), (), files=1)
HOSTILE = Report(
    (
        finding(
            place=Place(FILE, 3),
            message=NASTY,
            remedy=NASTY,
            evidence=NASTY,
            service=NASTY,
            also=(Also(Place(FILE, 4), NASTY, NASTY),),
        ),
        finding(place=Place(FILE), message=NASTY, suppressed=NASTY, fingerprint="1" * 32),
        finding(
            place=Place(FILE), message=NASTY, confidence=Confidence.UNKNOWN, fingerprint="2" * 32
        ),
    ),
    (Unread(Place(FILE), NASTY),),
    files=1,
)
