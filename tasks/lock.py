"""Hashed pins."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.locks import check as checks, compile as compiler
from pipelines.root import find_root
from tasks._task import task


@task(
    optional=["upgrade"],
    help={
        "check": "change nothing; fail when a lock does not hold",
        "upgrade": "renew all packages, or the one named",
        "jobs": "how many at a time (default: one per core)",
    },
)
def lock(c: Context, check: bool = False, upgrade: str | bool | None = None, jobs: int = 0) -> None:
    """Pin what each `requirements.in` asks for, with hashes; only what changed.

    Example: inv lock --upgrade fastapi
    """
    root = find_root(Path.cwd())
    if check:
        console.progress(f"{checks.check(root)} locks hold")
        return
    made = compiler.lock(root, upgrade=upgrade or False, jobs=jobs)
    for file in made:
        console.result(f"locked {file}")
    if not made:
        console.progress("every lock holds already")
