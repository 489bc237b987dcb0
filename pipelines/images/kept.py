"""Images that evidence speaks of and the engine no longer has, since somebody pruned them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from pipelines import console, state
from pipelines.containers import EngineDown, EngineOld, connect
from pipelines.errors import ConfigError, SummitError, Where
from pipelines.images.build import FOLDER, Built, build
from pipelines.images.engine import has


class NotTheSame(SummitError):
    """An image that was made again is another one."""

    def __init__(self, before: Built, after: Built) -> None:
        super().__init__(
            f"{before.image} was lost and made again as {after.digest}, and not as the evidence"
            f" says, {before.digest}",
            hint="`./inv build --strict-inputs` makes new evidence",
        )


def ensure(root: Path, *, only: Collection[str] = ()) -> list[Built]:
    """The images that were built, all or those of `only`; what is gone is made again, the same.

    Where no engine answers there are none, which is said; where the variable CI is set it is an
    error, as nobody would notice. Raises `NotTheSame` too.
    """
    try:
        lost = missing(root, only=only)
    except (EngineDown, EngineOld) as error:
        if os.environ.get("CI"):
            raise
        console.progress(f"images: not run: {error}")
        return []
    for it in lost:
        console.progress(f"{it.image} is no longer in the engine; making it again")
        again = build(root, it.component, it.paths)
        if again.digest != it.digest:
            raise NotTheSame(it, again)
    return _wanted(root, only)


def missing(root: Path, *, only: Collection[str] = ()) -> list[Built]:
    """What was built and is gone. Raises `EngineDown`, unless nothing was built."""
    wanted = _wanted(root, only)
    if not wanted:
        return []
    with connect() as client:
        return [it for it in wanted if not has(client, it.image, it.digest)]


def _wanted(root: Path, only: Collection[str]) -> list[Built]:
    return [it for it in built(root) if not only or it.component in only]


def built(root: Path) -> Iterator[Built]:
    """What was built here last, by the notes that the builds left."""
    for file in sorted((root / state.FOLDER / FOLDER).glob("*.json")):
        try:
            yield msgspec.json.decode(file.read_bytes(), type=Built)
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(f"cannot be read: {error}", where=Where(file)) from error
