"""Readiness: the documents generated from evidence."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines import console, entry
from pipelines.readiness import formats, verbs
from pipelines.root import find_root
from tasks._task import task


@task(
    help={
        "check": "write nothing; fail for a document that was edited by hand",
        "json": "print the lines as JSON instead",
        "sarif": "print what is not proven as SARIF instead",
        "html": "print one HTML page instead",
    }
)
def ready(
    c: Context, check: bool = False, json: bool = False, sarif: bool = False, html: bool = False
) -> None:
    """Write the readiness documents from the ledger; fails unless every line is proven.

    Example: inv ready
    """
    root = find_root(Path.cwd())
    if check:
        verbs.check(root)
        return
    workspace = entry.workspace(str(root))
    proofs = verbs.prove(workspace)
    if json:
        console.result(formats.as_json(proofs.values()))
    elif sarif:
        console.result(formats.as_sarif(proofs.values()))
    elif html:
        console.result(formats.as_html("Production readiness", proofs.values()))
    else:
        for file in verbs.write(workspace, proofs):
            console.result(f"wrote {file}")
        for proof in proofs.values():
            if not proof.is_proven:
                console.progress(f"{proof.state.value}: {proof.line.says} ({proof.said})")
    verbs.require(proofs)
