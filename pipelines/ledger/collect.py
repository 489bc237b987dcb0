"""Makes room: removes the oldest blobs that nothing needs any more, and never a record."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.errors import MachineError
from pipelines.ledger.blobs import INCOMING
from pipelines.ledger.live import live
from pipelines.ledger.store import Ledger

# What was put so recently may belong to a record that is about to be written.
YOUNG = timedelta(hours=1)


@dataclass(frozen=True)
class Collected:
    """What was removed and what is left, in files and bytes."""

    removed: int
    freed: int
    left: int
    left_bytes: int


@dataclass(frozen=True)
class _Blob:
    path: Path
    size: int
    put: float  # seconds since the epoch

    @classmethod
    def at(cls, path: Path) -> _Blob:
        about = path.stat()
        return cls(path, about.st_size, about.st_mtime)


def collect(ledger: Ledger, *, most: int, now: datetime) -> Collected:
    """Remove blobs, oldest first, until the rest takes at most so many bytes, if it can.

    Kept whatever their size: blobs of live records, and young ones. Files that killed writers left
    behind go in any case. Runs may go on meanwhile. Raises `MachineError`.
    """
    folder = Path(ledger.blobs.folder)
    if not folder.exists():
        return Collected(0, 0, 0, 0)
    try:
        with ledger.blobs.locked(fcntl.LOCK_EX):
            return _collect(ledger, folder, most, now)
    except OSError as error:
        raise MachineError(f"cannot collect in {folder}: {error.strerror}") from error


def _collect(ledger: Ledger, folder: Path, most: int, now: datetime) -> Collected:
    young = (now - YOUNG).timestamp()
    needed = {
        ledger.blobs.path(digest)
        for record in live(ledger.records(), now=now)
        for digest in record.blobs
    }
    blobs = sorted(map(_Blob.at, folder.glob("??/*")), key=lambda blob: blob.put)
    total = sum(blob.size for blob in blobs)
    torn = [blob for blob in map(_Blob.at, folder.glob(f"{INCOMING}/*")) if blob.put < young]
    removed: list[_Blob] = []
    over = total - most
    for blob in blobs:
        if over <= 0:
            break
        if blob.put < young and str(blob.path) not in needed:
            removed.append(blob)
            over -= blob.size
    for blob in (*torn, *removed):
        blob.path.unlink(missing_ok=True)
    return Collected(
        removed=len(torn) + len(removed),
        freed=sum(blob.size for blob in (*torn, *removed)),
        left=len(blobs) - len(removed),
        left_bytes=total - sum(blob.size for blob in removed),
    )
