"""What documents claim, held against what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from pipelines.audit.claims.verdicts import Verdict, is_fix, verdicts, worst
from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.rule import Rule, rule

_DOCUMENT = re.compile(r"\W*[\w./\-]+\.(?:md|mdx|rst|adoc|txt)\b")
_LONGEST = 90  # characters of a claim that are repeated
_MOST = 5  # contradicted claims that are named for one that sums them up


@rule("DOC001", "claim-contradicted", Severity.HIGH, judges=True)
def claim_contradicted(model: Model) -> Iterator[Fault]:
    """A document says that something was fixed, and it was not.

    Why: People decide by such lists whether to launch. A ticked box whose fault is still there is
    worse than an open one: nobody looks again.

    Example:

        ### 13. Service healthchecks added
        - Uses `curl -f http://localhost:PORT/health`     (and no image has curl)

    Mend: Mend what the second place shows, or take the mark away until it is done.
    """
    for verdict in _verdicts(model):
        if verdict.is_contradicted:
            yield _contradicted(verdict)


def _contradicted(verdict: Verdict) -> Fault:
    claim = _quoted(verdict.text)
    if verdict.broken:
        return Fault(
            verdict.place,
            f"{claim} sums up claims that are contradicted",
            "mend what those claims promise, or say what is still open",
            tuple(Also(it.place, "this claim does not hold") for it in verdict.broken[:_MOST]),
            severity=_severity(verdict),
        )
    first = verdict.counter[0]
    return Fault(
        verdict.place,
        f"{claim} does not hold: {first.message}",
        f"mend what {first.rule} ({first.name}) shows, or take the claim back",
        tuple(Also(it.place, f"{it.rule}: {it.message}") for it in worst(verdict)),
        severity=_severity(verdict),
    )


def _severity(verdict: Verdict) -> Severity | None:
    """What speaks against it and matters little makes no claim a grave one, if it is no promise."""
    if any(topic.is_strict for topic in verdict.claim.statement.topics):
        return None
    counter = [it for one in (verdict, *verdict.broken) for it in one.counter]
    is_grave = any(it.severity >= Severity.MEDIUM for it in counter)
    return None if is_grave else Severity.LOW


@rule("DOC002", "docs-only-fix", Severity.MEDIUM, judges=True)
def documented_only(model: Model) -> Iterator[Fault]:
    """A claimed fix consists of a document.

    Why: A guide changes nothing that runs. Counted among the fixes it makes a list of what is done
    look complete.

    Example:

        ### 14. Rate limiting
        - Documented the slowapi integration pattern
        Files created: docs/PRODUCTION_READINESS.md

    Mend: Do what the document describes, or list it as planned.
    """
    for verdict in _verdicts(model):
        if _DOCUMENT.match(verdict.text):
            continue  # it says what a document is about
        if verdict.claim.is_documented and is_fix(verdict.claim):
            yield Fault(
                verdict.place,
                f"{_quoted(verdict.text)} is claimed as a fix, and is only documented",
                "do what the document describes, or list it as planned",
            )


@lru_cache(maxsize=1)  # both rules ask
def _verdicts(model: Model) -> list[Verdict]:
    return verdicts(model, model.findings)


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST].rstrip()}..."'


RULES: tuple[Rule, ...] = (claim_contradicted, documented_only)
