"""Commands for a person's own use, run as they are: they leave no evidence."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.errors import SummitError
from pipelines.programs import process

Command = tuple[str, ...]

FMT: tuple[Command, ...] = (
    (sys.executable, "-m", "ruff", "check", "--fix-only", "."),
    (sys.executable, "-m", "ruff", "format", "."),
)


class CommandFailed(SummitError):
    """A command ended with another exit code than 0."""


def pytest(places: Sequence[str], *, keyword: str, arguments: Sequence[str], jobs: int) -> Command:
    """The words that run a selection of the tests, without the coverage of all."""
    named = ("-k", keyword) if keyword else ()
    workers = f"--numprocesses={jobs or 'auto'}"
    return (sys.executable, "-m", "pytest", workers, *named, *arguments, *places)


def run(commands: Sequence[Command], *, root: Path) -> None:
    """Run them one after another, shown as they go. Raises `CommandFailed` at the first."""
    for command in commands:
        completed = process.run(command, cwd=root)
        if not completed:
            module = command[command.index("-m") + 1]
            raise CommandFailed(f"{module} ended with exit code {completed.code}")
