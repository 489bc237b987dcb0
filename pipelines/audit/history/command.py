"""From a repository to its history, printed in the form that was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pipelines import console
from pipelines.audit.history import page, printing
from pipelines.audit.history.issues import History, follow
from pipelines.audit.history.walk import commits, walk

FORMATS: dict[str, Callable[[History], str]] = {
    "text": printing.text,
    "json": printing.as_json,
    "html": page.render,
}


def history(folder: Path, revision: str = "", *, limit: int = 0, jobs: int = 0) -> History:
    """Audit the commits that lead to a revision (HEAD unless given), all or the last ones.

    Says on stderr how far it is. Raises `ConfigError` where there is no history.
    """
    asked = commits(folder, revision, limit)
    processes = jobs or len(os.sched_getaffinity(0))
    return follow(walk(folder, asked, say=console.progress, jobs=processes))
