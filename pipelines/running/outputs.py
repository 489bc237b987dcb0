"""What a step makes: kept in the ledger with its evidence, and put back while that holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence

from pipelines.checkout import patterns, stats
from pipelines.ledger import Ledger

# What a path held when it was last looked at, as a record names it, and its `stats.stats` then.
Seen = dict[str, tuple[str, tuple[int, ...]]]


class Unreadable(Exception):
    """A step made something that cannot be kept; says in one line what and why."""


def find(root: str, wanted: Sequence[str]) -> list[str]:
    """The regular files that the patterns name, ignored by Git or not; relative to the root."""
    starts = {patterns.fixed_part(pattern) for pattern in wanted if not pattern.startswith("!")}
    paths = sorted({path for start in starts for path in _files(root, start)})
    return [paths[at] for at in patterns.select(wanted, paths)]


def keep(root: str, wanted: Sequence[str], ledger: Ledger, seen: Seen) -> dict[str, str]:
    """Put the files into the ledger; returns path: octal mode, a space, SHA-256.

    Raises `Unreadable`, and `MachineError` where the ledger cannot be written.
    """
    kept = {}
    for path in find(root, wanted):
        numbers = _numbers(f"{root}/{path}")
        try:
            digest = ledger.blobs.put_file(f"{root}/{path}")
        except OSError as error:
            raise Unreadable(f"its output {path} cannot be read: {error.strerror}") from error
        kept[path] = f"{os.stat(f'{root}/{path}').st_mode:o} {digest}"
        seen[path] = kept[path], numbers
    return kept


def restore(root: str, outputs: Mapping[str, str], ledger: Ledger, seen: Seen) -> list[str]:
    """Put back what is gone or holds something else than the evidence says; returns which.

    What is in `seen` was looked at by now. Raises `BlobLost` when the ledger no longer has it.
    """
    restored = []
    for path, named in outputs.items():
        if path in seen and seen[path][0] == named:
            continue
        mode, _, digest = named.partition(" ")
        full = f"{root}/{path}"
        numbers = _numbers(full)
        if _digest(full) != digest or os.stat(full).st_mode != int(mode, 8):
            ledger.blobs.restore(digest, full, int(mode, 8) & 0o777)
            restored.append(path)
            numbers = _numbers(full)
        seen[path] = named, numbers
    return restored


def _files(root: str, start: str) -> Iterator[str]:
    if os.path.isfile(f"{root}/{start}"):
        yield start
    for folder, _, names in os.walk(f"{root}/{start}" if start else root):
        inside = os.path.relpath(folder, root)
        prefix = "" if inside == "." else f"{inside}/"
        yield from (prefix + it for it in names if os.path.isfile(f"{folder}/{it}"))


def _numbers(path: str) -> tuple[int, ...]:
    return tuple(stats.stats([path]))


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
