"""Migrations: whether a deploy can apply them while the release before still runs."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.checkout import git
from pipelines.errors import SummitError
from pipelines.migrations import find
from pipelines.root import find_root
from tasks._task import task


@task()
def check(c: Context) -> None:
    """Refuse revisions that the running release could not live with, by file and line.

    Example: inv migrations.check
    """
    # What reads SQL takes longer to import than most commands to run.
    from pipelines.migrations.check import check as check_all

    root = find_root(Path.cwd())
    revisions = find(root, git.files(str(root)))
    faults = check_all(revisions)
    for fault in faults:
        console.result(str(fault))
    if faults:
        raise SummitError(f"{len(faults)} faults in {len(revisions)} revisions")
    console.result(f"{len(revisions)} revisions expand or contract as they say")
