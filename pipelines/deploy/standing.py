"""What an environment stands at: the release that serves by decision, and the one before."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from pipelines.errors import CannotTell, Where, unreadable, unwritable

FILE = "standing.json"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`release` and `previous` are ids, empty for none; `since` is in seconds since the epoch."""

    release: str = ""
    previous: str = ""
    since: float = 0.0
    by: str = ""
    token: int = 0


def read(folder: Path) -> Standing:
    """The standing in an environment's folder.

    Raises `CannotTell` for a damaged file, `MachineError` for one that cannot be read.
    """
    file = folder / FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Standing)
    except FileNotFoundError:
        return Standing()
    except OSError as error:
        raise unreadable(file, error) from error
    except ValueError as error:
        raise CannotTell(
            f"not what a deploy has written: {error}",
            where=Where(file),
            hint="put it back; without the file the next deploy is as the first one",
        ) from error


def write(folder: Path, standing: Standing) -> None:
    """Replace it in one move, on disk when this returns. Raises `MachineError`."""
    fresh = folder / f"{FILE}.new"
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(standing))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / FILE)
    except OSError as error:
        raise unwritable(folder / FILE, error) from error
