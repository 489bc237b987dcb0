"""The policy of an environment: whether a release may go there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.environments import load
from pipelines.errors import PolicyError
from pipelines.ledger import Ledger
from pipelines.policy import decide, record, release_of
from pipelines.root import find_root
from tasks._task import task


@task(
    positional=["environment"],
    help={
        "environment": "which one",
        "release": "the beginning of a release's id (default: the newest)",
        "json": "print the decision as JSON",
    },
)
def policy(c: Context, environment: str, release: str = "", json: bool = False) -> None:
    """Say of each requirement whether a release has the evidence, and what would supply it.

    The decision is recorded, as that of a deploy is.

    Example: inv policy production
    """
    root = find_root(Path.cwd())
    ledger = Ledger.at(root)
    described = load(root, environment)
    chosen = release_of(ledger, release)
    decision = decide(ledger, described, chosen, now=datetime.now(UTC))
    record.record(ledger, decision)
    console.result(decision.json() if json else decision.text())
    if not decision:
        raise PolicyError(f"release {chosen.short} may not go to {environment}")
