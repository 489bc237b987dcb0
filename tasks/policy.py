"""The policy of an environment: whether a release may go there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.environments import load
from pipelines.errors import PolicyError
from pipelines.ledger import Ledger
from pipelines.policy import decide
from pipelines.release import find, newest
from pipelines.root import find_root
from tasks._task import task


@task(
    positional=["environment"],
    help={
        "environment": "which one",
        "release": "the beginning of a release's id (default: the newest)",
    },
)
def policy(c: Context, environment: str, release: str = "") -> None:
    """Say of each requirement whether a release has the evidence, and what would supply it.

    Example: inv policy production
    """
    root = find_root(Path.cwd())
    ledger = Ledger.at(root)
    chosen = find(ledger, release) if release else newest(ledger)
    decision = decide(ledger, load(root, environment), chosen, now=datetime.now(UTC))
    console.result(decision.text())
    if not decision:
        raise PolicyError(f"release {chosen.short} may not go to {environment}")
