"""Where the repository starts: paths are relative to its root, wherever a person stands in it."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ConfigError

MARKERS = ("pipelines.yaml", "compose.yaml", ".git")


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that holds one of `MARKERS`.

    Raises `ConfigError` outside any repository.
    """
    for folder in (start, *start.parents):
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    raise ConfigError(
        f"no {', '.join(MARKERS)} in {start} or above it", hint="go into a repository"
    )
