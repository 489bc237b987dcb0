"""Where the repository starts: paths are relative to its root, wherever a person stands in it."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # `typing` and `pathlib` take longer to import than to find a root
if TYPE_CHECKING:
    from pathlib import Path

MARKERS = ("pipelines.yaml", "compose.yaml", ".git")


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that holds one of `MARKERS`.

    Raises `ConfigError` outside any repository.
    """
    found = nearest_root(str(start))
    if found is None:
        from pipelines.errors import ConfigError

        raise ConfigError(
            f"no {', '.join(MARKERS)} in {start} or above it", hint="go into a repository"
        )
    return start / found


def nearest_root(folder: str) -> str | None:
    """The same for text, and None outside any repository."""
    while True:
        if any(os.path.exists(f"{folder}/{marker}") for marker in MARKERS):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
