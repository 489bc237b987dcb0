"""What chance finds in the audit's parsers and rules: `python -m bench.fuzz --seconds 600`.

Real files are changed at random (`tests/audit/hostile/mutations.py`) and audited in a process of
their own. What crashes, or takes more than two seconds, is made as small as it can be and printed.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

from pipelines.audit.audit import audit
from pipelines.audit.tracked import Tracked
from tests.audit.hostile.mutations import Files, mutated

SLOW = 2.0  # seconds of processor time
HANG = 15.0  # seconds by the clock, after which the process is ended
MINUTE = 60.0  # that making one finding small may take
SHOWN = 2_000  # bytes of a file that are printed


class Outcome(NamedTuple):
    """How one audit went: `fault` says in what it raised, or that it is slow; "" for neither."""

    fault: str
    seconds: float


def _outcome(files: Files) -> Outcome:
    began = time.process_time()
    try:
        audit(Tracked({path: _contents(data) for path, data in files.items()}))
    except Exception as error:  # whatever it is: that is what is looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Outcome(f"{type(error).__name__} in {last.name}", time.process_time() - began)
    seconds = time.process_time() - began
    return Outcome("slow" if seconds > SLOW else "", seconds)


def _contents(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _work(pipe: Connection) -> None:
    """Audit what is asked for, a number or files, until nothing more is."""
    while (asked := pipe.recv()) is not None:
        pipe.send(_outcome(mutated(asked) if isinstance(asked, int) else asked))


class Worker:
    """A process that audits; a new one when the last hung or died."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._pipe, other = Pipe()
        self._process = get_context("spawn").Process(target=_work, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def ask(self, what: int | Files) -> Outcome:
        self._pipe.send(what)
        try:
            if self._pipe.poll(HANG):
                found: Outcome = self._pipe.recv()
                return found
            fault = "hang"
        except EOFError:
            fault = "the process died"
        self._process.kill()
        self._process.join()
        self._start()
        return Outcome(fault, HANG)

    def end(self) -> None:
        self._pipe.send(None)
        self._process.join()


def _smaller(files: Files, is_same: Callable[[Files], bool]) -> Files:
    """Fewer files, then fewer lines, that do the same."""
    ends = time.monotonic() + MINUTE
    for path in sorted(files):
        fewer = {name: data for name, data in files.items() if name != path}
        if time.monotonic() < ends and is_same(fewer):
            files = fewer
    for path in sorted(files):
        for fewer in _shrunk(files, path, is_same):
            files = fewer
            if time.monotonic() > ends:
                return files
    return files


def _shrunk(files: Files, path: str, is_same: Callable[[Files], bool]) -> Iterator[Files]:
    """After each try the smallest so far; halves go before quarters."""
    lines = files[path].split(b"\n")
    size = len(lines) // 2
    while size:
        at = 0
        while at < len(lines):
            fewer = [*lines[:at], *lines[at + size :]]
            if is_same({**files, path: b"\n".join(fewer)}):
                lines = fewer
            else:
                at += size
            yield {**files, path: b"\n".join(lines)}
        size //= 2


def _report(worker: Worker, seed: int, outcome: Outcome) -> None:
    print(f"{outcome.fault} in the repository of seed {seed}; making it smaller...", flush=True)
    files = _smaller(mutated(seed), lambda it: worker.ask(it).fault == outcome.fault)
    print(f"\n{outcome.fault} ({outcome.seconds:.1f} s), seed {seed}:", flush=True)
    for path, data in files.items():
        print(f"--- {path} ({len(data)} bytes)\n{data[:SHOWN]!r}", flush=True)


def fuzz(seconds: float, seed: int) -> int:
    """How many different faults were found from that number on; each is told once."""
    worker = Worker()
    told: set[str] = set()
    slowest, slowest_seed, runs = 0.0, seed, 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        outcome = worker.ask(seed + runs)
        if outcome.seconds > slowest:
            slowest, slowest_seed = outcome.seconds, seed + runs
        if outcome.fault and outcome.fault not in told:
            told.add(outcome.fault)
            _report(worker, seed + runs, outcome)
        runs += 1
    worker.end()
    print(f"{runs} repositories from seed {seed} on, {len(told)} faults; "
          f"the slowest took {slowest:.2f} s (seed {slowest_seed})")  # fmt: skip
    return len(told)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sys.exit(min(1, fuzz(arguments.seconds, arguments.seed)))
