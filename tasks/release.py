"""Releases: what is deployed as one, by digest."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines import console, entry
from pipelines.ledger import Ledger
from pipelines.release import release as releases
from pipelines.release.make import make as make_release
from pipelines.root import find_root
from tasks._task import task


@task(default=True)
def make(c: Context) -> None:
    """Make a release of the commit that is checked out, and record where it comes from.

    Example: inv release
    """
    workspace = entry.workspace(str(find_root(Path.cwd())))
    release, record = make_release(workspace, images={})
    console.result(f"release {release.short} of commit {release.commit[:12]}")
    console.progress(f"record {record.sequence}; `inv deploy staging` brings it there")


@task(name="list")
def list_(c: Context) -> None:
    """Show every release, the newest last.

    Example: inv release.list
    """
    console.result(releases.rows(Ledger.at(find_root(Path.cwd()))))
