"""What a program takes, with all it starts and waits for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

STOPWATCH = Path(__file__).with_name("stopwatch.py")


class Spent(NamedTuple):
    """Seconds of wall time and of CPU; MiB of the largest process."""

    wall: float
    cpu: float
    peak: float


def spent(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stdin: Path = Path(os.devnull),
) -> Spent:
    """Run a program to its end, its output aside, and return what it took.

    Raises:
        SystemExit: it failed.
    """
    stopwatch = [sys.executable, "-I", "-S", STOPWATCH, *command]
    with stdin.open() as read:
        ended = subprocess.run(
            stopwatch,
            cwd=cwd,
            env=environment,
            stdin=read,
            capture_output=True,
            text=True,
            check=False,  # its own words are shown instead
        )
    if ended.returncode:
        sys.exit(f"error: {command[0]} ended with {ended.returncode}:\n{ended.stderr}")
    return Spent(*(float(figure) for figure in ended.stdout.split()))


def median_of(several: Sequence[Spent]) -> Spent:
    """The median of each figure by itself."""
    return Spent(*(median(figures) for figures in zip(*several, strict=True)))
