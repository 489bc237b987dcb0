"""What was found before: a file of fingerprints, or the commit that a change sets out from."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path

from pipelines.audit.audit import Report
from pipelines.errors import ConfigError

VERSION = 1
Baseline = Mapping[str, str]  # rules by fingerprint


def read(file: Path) -> Baseline:
    """The findings in a file that `written` made, or the format `json`, as far as they counted.

    Raises `ConfigError` when it is neither.
    """
    try:
        findings = json.loads(file.read_bytes())["findings"]
        counted = [it for it in findings if not it.get("suppressed")]
        return {it["fingerprint"]: str(it["rule"]) for it in counted}
    except OSError as error:
        raise ConfigError(f"cannot read the baseline {file}: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{file} is no baseline", hint="make one with --write-baseline FILE"
        ) from error


def of(report: Report) -> Baseline:
    """What a later audit may find again: everything but what a comment suppresses."""
    return {it.fingerprint: it.rule for it in report.findings if not it.suppressed}


def written(report: Report) -> str:
    """The same as a file, with words for whoever reviews it."""
    findings = [
        {
            "fingerprint": it.fingerprint,
            "rule": it.rule,
            "file": it.place.file,
            "message": it.message,
        }
        for it in report.findings
        if not it.suppressed
    ]
    return json.dumps({"version": VERSION, "findings": findings}, indent=2)


def compared(report: Report, known: Container[str]) -> Report:
    """The report in which the findings with these fingerprints are known, and count no more."""
    findings = (
        replace(it, is_known=True) if it.fingerprint in known else it for it in report.findings
    )
    return report._replace(findings=tuple(findings))


def gone(report: Report, known: Baseline, rules: Container[str]) -> int:
    """How many of the known findings are found no more; of these rules only, which were asked."""
    found = {it.fingerprint for it in report.findings}
    return sum(rule in rules and it not in found for it, rule in known.items())
