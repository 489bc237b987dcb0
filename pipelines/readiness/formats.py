"""The same for machines, and for a browser."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

from pipelines.readiness.proof import Proof, State

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULE = "READY001"
_COLOURS = {State.PROVEN: "#1a7f37", State.STALE: "#9a6700", State.UNPROVEN: "#cf222e"}


def as_json(proofs: Iterable[Proof]) -> str:
    """A list of lines: what is said, its state, why, and the ids of the records."""
    said = [
        {
            "says": it.line.says,
            "state": it.state.value,
            "why": it.said,
            "records": [record.id for record in it.records],
        }
        for it in proofs
    ]
    return json.dumps(said, indent=2)


def as_sarif(proofs: Iterable[Proof]) -> str:
    """A SARIF 2.1.0 log with a result for each line that is not proven."""
    rule = {
        "id": _RULE,
        "name": "NotProven",
        "shortDescription": {"text": "A line of the readiness checklist has no evidence."},
    }
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "summit-ready", "rules": [rule]}},
        "results": [_result(it) for it in proofs if not it.is_proven],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(proof: Proof) -> dict[str, Any]:
    where = proof.line.where
    place = {
        "artifactLocation": {"uri": str(where.file)},
        "region": {"startLine": where.line or 1},
    }
    return {
        "ruleId": _RULE,
        "level": "warning" if proof.state is State.STALE else "error",
        "message": {"text": f"{proof.line.says}: {proof.state.value}, {proof.said}"},
        "locations": [{"physicalLocation": place}],
    }


def as_html(title: str, proofs: Iterable[Proof]) -> str:
    """One page that needs nothing beside itself."""
    rows = "\n".join(
        f'<tr><td style="color:{_COLOURS[it.state]}">{it.state.value}</td>'
        f"<td>{html.escape(it.line.says)}</td><td><code>{html.escape(it.said)}</code></td></tr>"
        for it in proofs
    )
    style = "body{font:16px sans-serif;margin:2em}td{padding:.3em 1em .3em 0;vertical-align:top}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title><style>{style}</style></head><body><h1>{html.escape(title)}</h1>\n"
        f"<table>\n{rows}\n</table></body></html>\n"
    )
