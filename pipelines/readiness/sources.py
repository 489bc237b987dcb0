"""Which release the sources at hand are: the documents that are generated here do not count."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipelines.checkout import git
from pipelines.errors import ConfigError
from pipelines.planning.workspace import Workspace
from pipelines.programs import process
from pipelines.release import Release, newest

_SHORT = 12  # digits of an id that are shown


def release_of(workspace: Workspace, generated: Iterable[Path]) -> Release | None:
    """The newest release, if nothing but generated documents differs from its commit.

    A document that says what is proven of the sources cannot be one of them: writing it would
    make everything stale that it says.
    """
    try:
        release = newest(workspace.ledger)
    except ConfigError:
        return None
    known = process.read(("git", "cat-file", "-e", release.commit), cwd=workspace.root)
    if not known:
        return None
    changed = git.changed_since(workspace.root, release.commit)
    return release if changed <= {str(it) for it in generated} else None


def told(workspace: Workspace, release: Release | None) -> str:
    """What the documents are about, as a sentence; the same for the same sources."""
    if release:
        commit, tree = release.commit[:_SHORT], release.tree[:_SHORT]
        return f"Of release `{release.short}`: commit `{commit}`, tree `{tree}`."
    said = process.read(("git", "rev-parse", "HEAD"), cwd=workspace.root)
    commit = f"commit `{said.text[:_SHORT]}`" if said else "no commit"
    return f"Of no release. The working copy is at {commit}."
