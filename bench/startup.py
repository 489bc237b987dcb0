"""What `./inv` adds to the `inv` of its environment: `python -m bench.startup`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.measure import ROOT, Bar, report, side_by_side

ROUNDS = 30
ALLOWED = 0.010  # seconds


def seconds(command: Path) -> float:
    # As for a person: with the bytecode that Python keeps.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run([command, "--list"], cwd=ROOT, env=environment, check=True, stdout=-3)
    return time.perf_counter() - began


def measure() -> list[Bar]:
    wrapper, plain = ROOT / "inv", ROOT / ".venv" / "bin" / "inv"
    seconds(wrapper)  # makes the environment at need, and warms it
    seconds(plain)
    ours, theirs = side_by_side(lambda: seconds(wrapper), lambda: seconds(plain), rounds=ROUNDS)
    return [Bar("./inv --list / inv --list (s)", ours, theirs, at_most=1 + ALLOWED / theirs)]


if __name__ == "__main__":
    sys.exit(report(measure()))
