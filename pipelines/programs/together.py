"""Runs commands side by side that do not need one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from pipelines.programs import process
from pipelines.programs.process import Completed


def run_together(
    commands: Sequence[Sequence[str]],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    jobs: int | None = None,
) -> list[Completed]:
    """Run the commands, `jobs` at a time (one per core unless given), and return how each ended.

    What they say is captured. Ctrl-C stops all of them.
    """
    with ThreadPoolExecutor(jobs or None) as pool:
        running = [
            pool.submit(process.run, command, cwd=cwd, env=env, capture=True)
            for command in commands
        ]
        try:
            return [future.result() for future in running]
        except BaseException:
            for future in running:
                future.cancel()
            while wait(running, timeout=0.1).not_done:  # one may be about to start its program
                process.stop_all()
            raise
