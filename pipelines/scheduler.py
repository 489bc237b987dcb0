"""Runs steps side by side and says how each ended."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from pipelines import process
from pipelines.errors import SummitError
from pipelines.step import Result, Status, Step


def run(
    steps: Sequence[Step], *, root: Path, jobs: int | None = None, capture: bool
) -> list[Result]:
    """Run every step, `jobs` at a time (one per core unless given), and return results in order.

    A failed step stops no other: a person mends more in one go. `capture` keeps what each says in
    its result instead of mixing them on the screen. Ctrl-C stops all of them.
    """
    with ThreadPoolExecutor(jobs or os.cpu_count(), thread_name_prefix="step") as pool:
        running = [pool.submit(_run_step, step, root, capture=capture) for step in steps]
        with _none_left_behind(running):
            return [future.result() for future in running]


def _run_step(step: Step, root: Path, *, capture: bool) -> Result:
    try:
        completed = process.run(step.command, cwd=root, env=step.env, capture=capture)
    except SummitError as error:
        return Result(step, Status.FAILED, output=str(error))
    status = Status.PASSED if completed else Status.FAILED
    return Result(step, status, completed.output, completed.seconds)


@contextmanager
def _none_left_behind(running: Sequence[Future[Result]]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for future in running:
            future.cancel()
        # Again and again: a step may have been about to start its program.
        while wait(running, timeout=0.1).not_done:
            process.stop_all()
        raise
