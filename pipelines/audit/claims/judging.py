"""From a repository to verdicts: the audit, then the claims held against what it found."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.audit.audit import audit
from pipelines.audit.claims.verdicts import Verdict, verdicts
from pipelines.audit.model import Model
from pipelines.audit.tracked import Tracked
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError


def judge(tracked: Tracked, files: Sequence[str] = ()) -> list[Verdict]:
    """A verdict for each claim of these files, or of all documents.

    Raises `ConfigError` for a file that is not tracked.
    """
    for file in files:
        if file not in tracked:
            raise ConfigError(f"no tracked file called {file!r}", hint=nearest(file, tracked.paths))
    return verdicts(Model(tracked), audit(tracked).findings, files)
