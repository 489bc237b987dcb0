"""How fast a bare checkout becomes a healthy system, and what it costs in memory.

`python -m bench.up` copies what runs into a temporary checkout: no data of yours is touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil

from bench.measure import Bar, report
from pipelines.stack.process import recovery, verbs as engine
from pipelines.stack.process.verbs import Running
from pipelines.stack.stack import Stack

ROUNDS = 5
ROOT = Path(__file__).parents[1]
# The longest chain: server, roles, migrations, one service.
ONE = "fusion"
SERVICES = ("fabric", "fusion", "intelligence", "tasking", "api-gateway")


@contextmanager
def checkout() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # root starts PostgreSQL as somebody else
        shutil.copy(ROOT / "compose.yaml", root)
        shutil.copytree(
            ROOT / "services", root / "services", ignore=shutil.ignore_patterns("tests")
        )
        stack = Stack.of(root)
        try:
            yield stack
        finally:
            cold(stack)


def cold(stack: Stack) -> None:
    engine.down(stack.place)
    engine.drop_volumes(stack)


def up(stack: Stack, *only: str, fork: bool = True) -> Running:
    return engine.up(stack, only=only, timeout=120, on_change=lambda status: None, fork=fork)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_after_another(stack: Stack) -> None:
    """As with a terminal for each: a service is started when the one before is healthy."""
    for service in ("postgres", *SERVICES):
        up(stack, service, fork=False)


def memory(running: Running) -> float:
    """Proportional set size of the Python services, in MB: a shared page counts for its share."""
    services = [psutil.Process(s.pid) for s in running.statuses if s.name in SERVICES and s.pid]
    return sum(service.memory_full_info().pss for service in services) / 2**20


def recovered(stack: Stack) -> float:
    """Seconds from a `kill -9` of PostgreSQL until it takes connections again."""
    (before,) = (s for s in up(stack, "postgres").statuses if s.name == "postgres")
    assert before.pid is not None
    began = time.perf_counter()
    os.kill(before.pid, signal.SIGKILL)
    while True:
        (status,) = (s for s in engine.now(stack.place).statuses if s.name == "postgres")
        if status.pid != before.pid and status.state.is_up:
            return time.perf_counter() - began


def measure() -> list[Bar]:
    seconds: dict[str, list[float]] = {}
    sizes: dict[str, list[float]] = {}

    def note(name: str, work: Callable[[], object]) -> None:
        cold(stack)
        seconds.setdefault(name, []).append(timed(work))

    with checkout() as stack:
        for _ in range(ROUNDS):
            note("all", lambda: sizes.setdefault("forked", []).append(memory(up(stack))))
            note("one", lambda: up(stack, ONE))
            note(
                "all spawned",
                lambda: sizes.setdefault("own", []).append(memory(up(stack, fork=False))),
            )
            note("one spawned", lambda: up(stack, ONE, fork=False))
            note("in turn", lambda: one_after_another(stack))
            note("postgres", lambda: up(stack, "postgres"))
            seconds.setdefault("recovered", []).append(recovered(stack))
        assert recovery.is_supervised(stack.place)
    s = {name: median(values) for name, values in seconds.items()}
    m = {name: median(values) for name, values in sizes.items()}
    return [
        Bar("up, forked / one service alone", s["all"], s["one"], at_most=1.5),
        Bar("up, spawned / one service alone", s["all spawned"], s["one spawned"], at_most=3.5),
        Bar("up / one after another", s["all"], s["in turn"], at_most=0.4),
        Bar("memory forked / own interpreters (MB, PSS)", m["forked"], m["own"], at_most=0.55),
        Bar("PostgreSQL ready, cold (s)", s["postgres"], 1.0, at_most=1.5),
        Bar("PostgreSQL ready, after kill -9 (s)", s["recovered"], 1.0, at_most=0.5),
    ]


if __name__ == "__main__":
    sys.exit(report(measure()))
