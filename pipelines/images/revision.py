"""Which commit an image is of: the last one that changed something it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pipelines.programs import process


class Revision(NamedTuple):
    """A commit and its time in seconds since 1970.

    What is not committed yet is of the commit before, `-dirty`. Without a history there is neither.
    """

    commit: str
    epoch: int
    is_dirty: bool

    @property
    def name(self) -> str:
        return f"{self.commit}-dirty" if self.is_dirty else self.commit

    @property
    def version(self) -> str:
        """What sorts by time and leads to the commit: `2026.11.24-cffcf4f`."""
        day = datetime.fromtimestamp(self.epoch, UTC).strftime("%Y.%m.%d")
        return f"{day}-{self.name[:7]}{'-dirty' if self.is_dirty else ''}"

    def labels(self) -> dict[str, str]:
        """What an image says of it."""
        if not self.commit:
            return {}
        return {
            "org.opencontainers.image.revision": self.name,
            "org.opencontainers.image.version": self.version,
        }


def of(root: Path, paths: Sequence[str]) -> Revision:
    """The revision of these paths, which are relative to the root."""
    said = process.read(["git", "log", "-1", "--format=%H %ct", "--", *paths], cwd=root)
    commit, _, epoch = said.text.strip().partition(" ") if said else ("", "", "")
    changed = process.read(["git", "status", "--porcelain", "--", *paths], cwd=root)
    return Revision(commit, int(epoch or 0), bool(changed) and bool(changed.text.strip()))
