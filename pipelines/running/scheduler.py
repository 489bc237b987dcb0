"""Runs what is stale: every step as soon as what it needs has passed, `jobs` at a time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from graphlib import TopologicalSorter
from queue import Empty, SimpleQueue
from typing import NamedTuple

from pipelines.errors import ConfigError
from pipelines.programs import process
from pipelines.reporting.report import Report
from pipelines.step import Result, Status, Step

_BLINK = 0.5  # seconds between two looks at whether somebody wants the run to end
PATIENCE = 15.0  # seconds that steps have to end in after an interrupt


def at_once(jobs: int) -> int:
    """How many steps to run at a time when this many were asked for; 0 is one per core.

    Raises `ConfigError` for less.
    """
    if jobs < 0:
        raise ConfigError(f"--jobs={jobs}: expected 1 or more, or 0 for one per core")
    return jobs or os.cpu_count() or 1


class Work(NamedTuple):
    """How a step is `run`, in a thread of its own, what it said then, and what ends its waiting."""

    run: Callable[[Step], Result]
    log: Callable[[Step], bytes]
    stop: Callable[[], None]


def run(
    steps: Mapping[str, Step], work: Work, report: Report, *, jobs: int, keep_going: bool
) -> list[Result]:
    """Run the steps, by their ids, and return their results in the order in which they ended.

    What a step needs and is not among them has passed.
    After a failure nothing more is started, unless `keep_going` says to run all that does not
    need what failed. What was not run is skipped. Whatever ends this early, Ctrl-C or an error,
    first ends every step that is running.
    """
    schedule = _Schedule(steps, work, report, jobs=jobs, keep_going=keep_going)
    try:
        while schedule.is_active:
            schedule.advance()
    except BaseException:
        schedule.abandon()
        raise
    return schedule.results


class _Schedule:
    """Steps on their way: waiting for others, ready, running, ended."""

    def __init__(
        self,
        steps: Mapping[str, Step],
        work: Work,
        report: Report,
        *,
        jobs: int,
        keep_going: bool,
    ) -> None:
        self.results: list[Result] = []
        self._steps = steps
        self._work = work
        self._report = report
        self._jobs = jobs
        self._keep_going = keep_going
        self._ready: deque[str] = deque()
        self._running = 0
        self._ended: SimpleQueue[Result | BaseException] = SimpleQueue()
        self._failed: set[str] = set()  # or skipped
        self._sorter = TopologicalSorter(
            {id_: [need for need in step.needs if need in steps] for id_, step in steps.items()}
        )
        self._sorter.prepare()

    @property
    def is_active(self) -> bool:
        """Whether any step has not ended."""
        return self._sorter.is_active()

    def advance(self) -> None:
        """Start what can be started, then wait until one step ends."""
        self._ready += self._sorter.get_ready()
        while self._ready and self._running < self._jobs:
            self._take(self._steps[self._ready.popleft()])
        if self._running:
            ended = self._wait()
            self._running -= 1
            if isinstance(ended, BaseException):
                raise ended
            self._end(ended)

    def abandon(self) -> None:
        """End every running step and wait until it has."""
        self._work.stop()
        deadline = time.monotonic() + PATIENCE
        while self._running and time.monotonic() < deadline:
            process.stop_all()  # again and again: a step may be about to start its program
            try:
                self._ended.get(timeout=0.1)
                self._running -= 1
            except Empty:
                continue

    def _wait(self) -> Result | BaseException:
        """What the next step that ends comes to.

        Not in one long wait: Ctrl-C that comes just before it begins would be heard at its end.
        """
        while True:
            with suppress(Empty):
                return self._ended.get(timeout=_BLINK)

    def _take(self, step: Step) -> None:
        missing = [need for need in step.needs if need in self._failed]
        if missing:
            self._end(Result(step, Status.SKIPPED, message=f"needs {', '.join(missing)}"))
        elif self._failed and not self._keep_going:
            self._end(Result(step, Status.SKIPPED))
        else:
            self._running += 1
            threading.Thread(target=self._run, args=(step,), daemon=True).start()
            self._report.started(step)  # after: what draws it takes a while to import

    def _run(self, step: Step) -> None:
        try:
            self._ended.put(self._work.run(step))
        except BaseException as error:  # to be raised where somebody waits for it
            self._ended.put(error)

    def _end(self, result: Result) -> None:
        if not result:
            self._failed.add(result.step.id)
        self.results.append(result)
        self._report.ended(result, self._work.log(result.step))
        self._sorter.done(result.step.id)
