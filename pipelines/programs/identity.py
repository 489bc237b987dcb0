"""A process by a name that none had before it and none will have, whatever the clock says."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def of(pid: int) -> str | None:
    """Boot, number and moment of its start, as `a1b2c3d4-4711-880215`; None when it has ended.

    psutil's `create_time` is no such name on Linux: it moves when somebody sets the clock.
    """
    if sys.platform != "linux":  # the kernel keeps the moment itself
        try:
            return f"0-{pid}-{psutil.Process(pid).create_time() * 100:.0f}"
        except psutil.NoSuchProcess:
            return None
    try:
        line = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = line.rpartition(")")[2].split()  # the program's name may hold anything
    ticks = fields[18]  # `starttime`, the 22nd field of all: see proc(5)
    return None if state in "ZX" else f"{_BOOT.read_text()[:8]}-{pid}-{ticks}"
