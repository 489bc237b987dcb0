"""The gates: what must hold before a change lands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context

from pipelines import gates
from pipelines.errors import ConfigError
from pipelines.root import find_root
from tasks._task import task

JOBS = {"jobs": "how many at a time (default: one per core)"}


@task(help=JOBS)
def lint(c: Context, jobs: int = 0) -> None:
    """Check style, formatting and locks.

    Example: inv lint
    """
    gates.run(gates.LINT, root=find_root(Path.cwd()), jobs=jobs)


@task()
def fmt(c: Context) -> None:
    """Format the code and sort its imports.

    Example: inv fmt
    """
    gates.run(gates.FMT, root=find_root(Path.cwd()), jobs=1)  # both write the same files


@task()
def types(c: Context) -> None:
    """Check types, strictly.

    Example: inv types
    """
    gates.run(gates.TYPES, root=find_root(Path.cwd()))


@task(
    iterable=["only"],
    help={
        **JOBS,
        "only": "a file, folder or test id; may be given several times",
        "k": "only tests whose names match",
        "args": "more for pytest, as one word",
    },
)
def test(
    c: Context,
    only: Sequence[str] | None = None,
    k: str = "",
    args: str = "",
    jobs: int = 0,
) -> None:
    """Run the tests in parallel and random order; all of them also measure coverage.

    Example: inv test --only services/fusion -k replayed --args "--maxfail=1 -vv"
    """
    root = find_root(Path.cwd())
    step = gates.pytest_step(
        only=[_from_root(place, root) for place in only or ()],
        keyword=k,
        arguments=shlex.split(args),
        jobs=jobs,
    )
    gates.run([step], root=root)


@task(help=JOBS)
def check(c: Context, jobs: int = 0) -> None:
    """Run every gate: lint, types and test.

    Example: inv check
    """
    steps = [*gates.LINT, *gates.TYPES, gates.pytest_step()]
    gates.run(steps, root=find_root(Path.cwd()), jobs=jobs)


def _from_root(place: str, root: Path) -> str:
    """A test's place as seen from the root; it was typed as seen from the current folder."""
    file, *names = place.split("::")
    path = Path.cwd() / file
    if not path.exists():
        raise ConfigError(f"no such file or folder: {file}")
    return "::".join([os.path.relpath(path, root), *names])
