"""Writing files that others read at the same time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pipelines.errors import unwritable


def write_atomically(path: Path, text: str) -> None:
    """Replace the file in one move: a reader sees all of the old text or all of the new.

    So it is after a power cut too. The mode of an existing file is kept. Raises `MachineError`
    when the folder cannot be written to.
    """
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise unwritable(path, error) from error
