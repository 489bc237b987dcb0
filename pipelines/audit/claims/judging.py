"""From a repository to verdicts: the audit, then the claims held against what it found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pygit2

from pipelines.audit.audit import audit
from pipelines.audit.claims.verdicts import Verdict, verdicts
from pipelines.audit.model import Model
from pipelines.audit.tracked import Tracked
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError


def judge(tracked: Tracked, files: Sequence[str] = (), message: str = "") -> list[Verdict]:
    """A verdict for each claim of these files, or of all documents and of a commit's message.

    Raises `ConfigError` for a file that is not tracked.
    """
    for file in files:
        if file not in tracked:
            raise ConfigError(f"no tracked file called {file!r}", hint=nearest(file, tracked.paths))
    return verdicts(Model(tracked), audit(tracked).findings, files, message)


def message(folder: Path, revision: str) -> str:
    """What the commit of a revision says of itself; "" for what is no commit."""
    found = pygit2.discover_repository(str(folder)) if folder.is_dir() and revision else None
    if found is None:
        return ""
    try:
        commit = pygit2.Repository(found).revparse_single(revision).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        return ""
    return commit.raw_message.decode(errors="replace")
