"""Negative controls: faults planted for the gates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context

from pipelines import entry
from pipelines.controls import run
from pipelines.root import find_root
from tasks._task import task


@task(
    iterable=["only"],
    help={
        "only": "a gate; may be given several times",
        "jobs": "how many at a time (default: one per core)",
    },
)
def controls(c: Context, only: Sequence[str] | None = None, jobs: int = 0) -> None:
    """Show that every gate can fail: plant faults, and see each of them rejected.

    Example: inv controls --only test
    """
    run.run(entry.workspace(str(find_root(Path.cwd()))), only=only or (), jobs=jobs)
