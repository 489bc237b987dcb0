"""What a killed supervisor or a reboot left behind: recognised, said, and cleaned."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import psutil

from pipelines.programs import family
from pipelines.stack import place as places
from pipelines.stack.place import Place
from pipelines.stack.process import postgres_binaries
from pipelines.stack.process.launch import MARK

GRACE = 5.0  # seconds between asking and killing


def is_supervised(place: Place) -> bool:
    """Whether a supervisor of this checkout lives: the kernel frees a dead one's lock."""
    try:
        with place.lock.open("rb") as lock:  # on a read-only disk too
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def survivors(place: Place) -> list[psutil.Process]:
    """The processes of this checkout's stack, known by the mark in their environment."""
    return family.marked(MARK, str(place.state))


def clean(place: Place) -> int:
    """End every process that was left behind; returns how many there were."""
    left = survivors(place)
    if left:
        family.end(lambda: survivors(place), grace=GRACE)
        # Until nobody can take a process id for a living process, as PostgreSQL would its own.
        psutil.wait_procs(left, timeout=GRACE)
    return len(left)


def sweep(root: Path) -> None:
    """End and remove what is left of runs that were killed together with their supervisor.

    Only under the lock under which such places are made: one just made has no supervisor yet.
    """
    for folder in places.runs(root).iterdir():
        place = Place(root, folder.name)
        if folder.is_dir() and not is_supervised(place):
            clean(place)
            remove(place)


def remove(place: Place) -> None:
    """Delete everything that the stack of a run has kept, data included."""
    assert place.run, "the checkout's own stack is removed by nobody"
    sheltered = postgres_binaries.sheltered(place.volumes / "any").parent
    for folder in (sheltered, place.home):
        shutil.rmtree(folder, ignore_errors=True)
