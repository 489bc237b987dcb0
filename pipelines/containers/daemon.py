"""Programs that outlive the command that started them, and are found again by a later one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from pipelines import console
from pipelines.errors import MachineError
from pipelines.files import write_atomically
from pipelines.programs import identity, process


class Note(msgspec.Struct, frozen=True):
    """A process by its number, and by what tells it from a later one of that number."""

    pid: int
    identity: str | None
    address: str = ""  # at which it is asked, where it has none of its own


def launch(words: Sequence[str], log: Path) -> psutil.Popen:
    """Start the program so that it outlives this one, and what started this one.

    Raises `MachineError`.
    """
    console.command(words)
    env = {name: value for name, value in os.environ.items() if name != process.MARK}
    try:
        with log.open("wb") as stream:
            return psutil.Popen(
                list(words),
                env=env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
    except OSError as error:
        raise MachineError(f"cannot start {words[0]}: {error.strerror}") from error


def note(file: Path, pid: int, address: str = "") -> None:
    """Leave word of the daemon at once, so that it is found although who started it was killed."""
    left = Note(pid, identity.of(pid), address)
    write_atomically(file, msgspec.json.encode(left).decode())


def noted(file: Path) -> Note | None:
    """The daemon that the file is about, if it still runs."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Note)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return found if found.identity and identity.of(found.pid) == found.identity else None


def end(pid: int, patience: float) -> None:
    """Ask a daemon to end, and make it after so many seconds."""
    with suppress(psutil.NoSuchProcess):  # it has ended by itself
        daemon = psutil.Process(pid)
        daemon.terminate()
        try:
            daemon.wait(patience)
        except psutil.TimeoutExpired:
            daemon.kill()
            daemon.wait(patience)


def last_words(log: Path) -> str:
    """The last line that a daemon has said."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"
