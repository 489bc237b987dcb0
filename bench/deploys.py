"""How long a deploy and a rollback take, and that a hundred kills at any instant change nothing.

`python -m bench.deploys` makes a system of one service in a temporary repository.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.measure import Bar, report
from tests.deploy.system import System
from tests.deploy.test_kills import Deploys, killed_at_random

ROUNDS = 5
KILLS = 100
DEPLOY, WARM, COLD = 3.0, 1.0, 10.0  # seconds that these may take
OTHERS = ("ready", "bake")  # the service's own boot, and the time it is watched for on purpose


@contextmanager
def system() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as folder:
        made = System.make(Path(folder, "repository"))
        try:
            yield made
        finally:
            made.down()


def measure() -> list[Bar]:
    with system() as one:
        deploys, warm, cold = _timed(one)
    with system() as other:
        began = time.perf_counter()
        killed_at_random(Deploys(other), KILLS)
        each = (time.perf_counter() - began) / KILLS
    return [
        Bar("deploy of one service, without its boot (of 3 s)", deploys, DEPLOY, at_most=1),
        Bar("rollback to a release that is warm (of 1 s)", warm, WARM, at_most=1),
        Bar("rollback to one that is cold (of 10 s)", cold, COLD, at_most=1),
        Bar(f"{KILLS} kills at random, each taken over (of 30 s)", each, 30.0, at_most=1),
    ]


def _timed(system: System) -> tuple[float, float, float]:
    """Medians in seconds: a deploy, a warm and a cold rollback."""
    deploys, warm, cold = [], [], []
    releases = [system.release(str(number)) for number in range(ROUNDS + 2)]
    system.deploy(releases[0])
    for before, release in pairwise(releases):
        seconds = system.deploy(release).seconds
        deploys.append(sum(it for step, it in seconds.items() if step not in OTHERS))
        began = time.perf_counter()
        system.roll_back(before)
        warm.append(time.perf_counter() - began)
        system.roll_back(release)
    for release in releases[: ROUNDS - 1]:
        began = time.perf_counter()
        system.roll_back(release)
        cold.append(time.perf_counter() - began)
    return median(deploys), median(warm), median(cold)


if __name__ == "__main__":
    sys.exit(report(measure()))
