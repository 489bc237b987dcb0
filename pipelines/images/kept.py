"""Images that evidence speaks of and the engine no longer has, since somebody pruned them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from pipelines import console, state
from pipelines.containers import connect
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


def ensure(root: Path, *, only: Collection[str] = ()) -> None:
    """Make the images again that were built and are gone, all or those of `only`.

    It is the same image again, or an error. Raises `EngineDown` too.
    """
    for lost in missing(root, only=only):
        console.progress(f"{lost.image} is no longer in the engine; making it again")
        again = build(root, lost.component, lost.paths)
        if again.digest != lost.digest:
            raise NotTheSame(lost, again)


def missing(root: Path, *, only: Collection[str] = ()) -> list[Built]:
    """What was built and is gone. Raises `EngineDown`, unless nothing was built."""
    known = [it for it in built(root) if not only or it.component in only]
    if not known:
        return []
    with connect() as client:
        return [it for it in known if not has(client, it.image, it.digest)]


def built(root: Path) -> Iterator[Built]:
    """What was built here last, by the notes that the builds left."""
    for file in sorted((root / state.FOLDER / FOLDER).glob("*.json")):
        try:
            yield msgspec.json.decode(file.read_bytes(), type=Built)
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(f"cannot be read: {error}", where=Where(file)) from error
