"""Verdicts as text for a person, and as JSON for programs: the same bytes each time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from pipelines.audit.claims.verdicts import Status, Verdict
from pipelines.audit.findings import Finding
from pipelines.audit.formats.visible import visible
from pipelines.audit.place import Place
from pipelines.console import Colour, paint

VERSION = 1  # of the shape of the JSON
_COLOURS = {
    Status.BACKED: Colour.GOOD,
    Status.CONTRADICTED: Colour.BAD,
    Status.DOCUMENTED: Colour.WARN,
    Status.OPEN: Colour.DIM,
}
_MOST = 3  # pieces of counter-evidence; JSON has all
_WIDTH = max(len(it.value) for it in Status)


def text(verdicts: Sequence[Verdict], revision: str = "") -> str:
    """A paragraph for each document, a line for each claim, and below it what contradicts it."""
    if not verdicts:
        return "no claims found: no ticked box, no summary of changes, no changelog"
    documents = (
        "\n".join([paint(visible(file), Colour.DIM), *(line for it in its for line in _claim(it))])
        for file, its in groupby(verdicts, lambda it: it.place.file)
    )
    return "\n\n".join([*documents, _summary(verdicts, revision)])


def _claim(verdict: Verdict) -> Iterator[str]:
    status = paint(f"{verdict.status.value:{_WIDTH}}", _COLOURS[verdict.status])
    yield f"  {status}  {_where(verdict.place)}  {visible(verdict.text)}"
    for finding in verdict.counter[:_MOST]:
        yield from _counter(finding)
    further = len(verdict.counter) - _MOST
    if further > 0:
        yield f"      and {further} more"
    if verdict.broken:
        lines = ", ".join(str(it.place.line) for it in verdict.broken)
        yield f"      contradicted claims of this document stand on lines {lines}"


def _counter(finding: Finding) -> Iterator[str]:
    yield f"      {_where(finding.place)}  {finding.rule} {visible(finding.message)}"
    if finding.evidence:
        yield f"        {paint(f'| {visible(finding.evidence)}', Colour.DIM)}"


def _summary(verdicts: Sequence[Verdict], revision: str) -> str:
    counts = Counter(it.status for it in verdicts)
    parts = [paint(f"{counts[it]} {it.value}", _COLOURS[it]) for it in Status if counts[it]]
    claims = "1 claim" if len(verdicts) == 1 else f"{len(verdicts)} claims"
    at = f" at {revision[:12]}" if revision else ""
    return f"{claims}{at}: {', '.join(parts)}"


def _where(place: Place) -> str:
    return visible(str(place))


def as_json(verdicts: Sequence[Verdict], revision: str = "") -> str:
    """Every claim with its verdict, its scope and all that contradicts it."""
    document = {
        "version": VERSION,
        "revision": revision or None,
        "summary": {it.value: sum(one.status is it for one in verdicts) for it in Status},
        "claims": [_entry(it) for it in verdicts],
    }
    return json.dumps(document, indent=2)  # ASCII, as a file's name may be no text


def _entry(verdict: Verdict) -> dict[str, Any]:
    statement, scope = verdict.claim.statement, verdict.claim.scope
    return {
        **_place(verdict.place),
        "text": verdict.text,
        "verdict": verdict.status.value,
        "numbers": list(statement.numbers),
        "topics": [it.name for it in statement.topics],
        "rules": list(verdict.rules),
        "scope": {"files": sorted(scope.files), "services": sorted(scope.services)},
        "counter": [
            {
                "rule": it.rule,
                "name": it.name,
                "severity": str(it.severity),
                **_place(it.place),
                "message": it.message,
                "evidence": it.evidence,
            }
            for it in verdict.counter
        ],
        "broken": [_place(it.place) for it in verdict.broken],
        "restated": [_place(it) for it in verdict.claim.restated],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line}


FORMATS: dict[str, Callable[[Sequence[Verdict], str], str]] = {"text": text, "json": as_json}
