"""The gates: which commands each is made of, and whether they hold."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines import console, scheduler
from pipelines.errors import SummitError
from pipelines.step import Result, Step


def _python(name: str, *arguments: str) -> Step:
    return Step(name, (sys.executable, "-m", *arguments))


LINT = (
    _python("ruff check", "ruff", "check", "."),
    _python("ruff format", "ruff", "format", "--check", "."),
    _python("flake8", "flake8", "."),
    _python("locks", "tasks", "lock", "--check"),
)
FMT = (
    _python("ruff imports", "ruff", "check", "--fix-only", "."),
    _python("ruff format", "ruff", "format", "."),
)
TYPES = (_python("mypy", "mypy", "pipelines", "tasks", "services"),)


class GateFailed(SummitError):
    """Something that was checked does not hold."""

    def __init__(self, failed: Sequence[Result], total: int) -> None:
        names = ", ".join(result.step.name for result in failed)
        super().__init__(f"{len(failed)} of {total} steps failed: {names}")
        self.failed = failed


def pytest_step(
    *,
    only: Sequence[str] = (),
    keyword: str = "",
    arguments: Sequence[str] = (),
    jobs: int | None = None,
) -> Step:
    """The step that runs pytest.

    Coverage and its floor belong to a run of everything; a selection of tests goes without.
    """
    selection = [*(["-k", keyword] if keyword else []), *arguments, *only]
    coverage = [] if selection else ["--cov", "--cov-report=term:skip-covered"]
    return _python("pytest", "pytest", f"--numprocesses={jobs or 'auto'}", *coverage, *selection)


def run(steps: Sequence[Step], *, root: Path, jobs: int | None = None) -> None:
    """Run the steps and print what the failed ones said, then a summary.

    A step alone is shown as it goes. Raises GateFailed, naming every step that failed.
    """
    results = scheduler.run(steps, root=root, jobs=jobs, capture=len(steps) > 1)
    for result in results:
        _show(result)
    console.progress(summary(results))
    failed = [result for result in results if not result]
    if failed:
        raise GateFailed(failed, len(results))


def summary(results: Sequence[Result]) -> str:
    """A table of steps, how each ended and how long it took."""
    rows = [(it.step.name, _coloured(it), f"{it.seconds:.1f}s") for it in results]
    return console.table(("step", "result", "time"), rows)


def _show(result: Result) -> None:
    if not result.output:  # it was shown as it went
        return
    if not result:
        console.progress(f"\n{result.step.name} failed:")
        console.result(result.output.rstrip())
    else:
        console.fold(result.step.name, result.output.rstrip())


def _coloured(result: Result) -> str:
    colour = console.Colour.GOOD if result else console.Colour.BAD
    return console.paint(result.status, colour, stream=sys.stderr)
