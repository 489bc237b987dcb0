"""All that a program started, also what left its process group; and how to end it.

A program's children are known by their parents while these live, by their process group until they
leave it, and afterwards by a mark in their environment, which they inherit. Only what got rid of
all three, as `sudo` can, is not found.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator

import psutil

PAUSE = 0.01  # seconds between two looks at who still lives


def marked(variable: str, value: str) -> list[psutil.Process]:
    """Return the processes whose environment has this mark, or a longer one: `value/...`."""
    return [process for process in _others() if _is_marked(process, variable, value)]


def end(find: Callable[[], Iterable[psutil.Process]], *, grace: float) -> None:
    """End what `find` returns, and what it returns then, until there is nothing left.

    Each is asked first. What has not ended after `grace` seconds is made to; what cannot be, since
    it belongs to somebody else or hangs in the kernel, is given up after as many seconds again.
    """
    known: set[psutil.Process] = set()
    try:
        _until_none_lives(find, known, psutil.Process.terminate, grace)
    finally:  # an impatient second Ctrl-C still leaves nothing behind
        _until_none_lives(find, known, psutil.Process.kill, grace)


def of(programs: Iterable[int], variable: str, marks: Iterable[str]) -> Iterator[psutil.Process]:
    """Yield what the programs started, and themselves; `marks` are what `variable` holds in them.

    The programs lead process groups of their own.
    """
    leaders, marks = set(programs), list(marks)
    found = set()
    for leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            program = psutil.Process(leader)
            found |= {program, *program.children(recursive=True)}
    yield from found
    for process in _others():
        if process not in found and (
            _group(process) in leaders or any(_is_marked(process, variable, it) for it in marks)
        ):
            yield process


def _until_none_lives(
    find: Callable[[], Iterable[psutil.Process]],
    known: set[psutil.Process],  # grows: who lost its parents on the way is not forgotten
    signal: Callable[[psutil.Process], None],
    grace: float,
) -> None:
    deadline = time.monotonic() + grace
    signalled: set[psutil.Process] = set()
    while True:
        known.update(find())
        living = {process for process in known if _lives(process)}
        for process in living - signalled:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                signal(process)
        signalled |= living
        if not living or time.monotonic() > deadline:
            return
        while any(map(_lives, living)) and time.monotonic() < deadline:
            time.sleep(PAUSE)


def _others() -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if process.pid != os.getpid())


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _group(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return None


def _is_marked(process: psutil.Process, variable: str, value: str) -> bool:
    try:
        mark = process.environ().get(variable, "")
    except psutil.Error:  # not ours to read, or gone meanwhile
        return False
    return mark == value or mark.startswith(f"{value}/")
