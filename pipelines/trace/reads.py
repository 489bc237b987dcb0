"""From what a tracer saw to the files of the repository that were read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple


class Access(Enum):
    """What became of a file."""

    READ = auto()  # opened for reading, also when for writing too; or executed
    REPLACED = auto()  # created or emptied: what is read later is the program's own


class Event(NamedTuple):
    """A file that was opened: by the name that was asked for, and what that led to if known.

    Both paths are absolute; `time` only puts the events of one tracer in order.
    """

    time: float
    access: Access
    asked: str
    opened: str = ""


def files_read(root: Path, events: Iterable[Event]) -> frozenset[str]:
    """Return the regular files and symbolic links below `root` that were read and still exist."""
    top = os.path.realpath(root)
    own: set[str] = set()
    read: set[str] = set()
    for event in sorted(events, key=lambda event: event.time):
        path = event.opened or os.path.realpath(event.asked)
        if event.access is Access.REPLACED:
            own |= {path} - read
        elif path not in own:
            read |= {path, *_links(event.asked, top)}
    below = (path for path in map(_source, read) if path.startswith(f"{top}/"))
    return frozenset(
        Path(path).relative_to(top).as_posix()
        for path in below
        if Path(path).is_symlink() or Path(path).is_file()
    )


def _links(asked: str, top: str) -> Iterator[str]:
    """Yield the symbolic links below the root on the way to the file."""
    path = Path(asked)
    if ".." in path.parts:  # only the kernel knew where that led
        return
    for part in (path, *path.parents):
        if part.is_relative_to(top) and part.is_symlink():
            yield str(part.parent.resolve() / part.name)


def _source(path: str) -> str:
    """The module that bytecode was made of, `a/x.py` for `a/__pycache__/x.cpython-311.pyc`.

    Not `importlib.util.source_from_cache`: it does not know the longer names that pytest gives.
    """
    file = Path(path)
    if file.suffix != ".pyc" or file.parent.name != "__pycache__":
        return path
    source = file.parent.parent / f"{file.name.partition('.')[0]}.py"
    return str(source) if source.is_file() else path
