"""What a killed supervisor or a reboot left behind: recognised, said, and cleaned."""

from __future__ import annotations

import contextlib
import fcntl
import os

import psutil

from pipelines.stack.launch import MARK
from pipelines.stack.place import Place

GRACE = 5.0  # seconds between asking and killing


def is_supervised(place: Place) -> bool:
    """Whether a supervisor of this checkout lives: the kernel frees a dead one's lock."""
    try:
        with place.lock.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def survivors(place: Place) -> list[psutil.Process]:
    """The processes of this checkout's stack, known by the mark in their environment."""
    mark = str(place.state)
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:  # not ours to read, or gone meanwhile
            continue
    return found


def clean(place: Place) -> int:
    """End every process that was left behind; returns how many there were."""
    left = survivors(place)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=GRACE)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=GRACE)
    return len(left)
