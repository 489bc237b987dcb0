"""Which engine runs a stack: asked for, remembered from `up`, or the best that this machine has."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, SummitError
from pipelines.stack.engine import Engine
from pipelines.stack.process import recovery
from pipelines.stack.process.engine import ProcessEngine
from pipelines.stack.stack import Stack

VARIABLE = "SUMMIT_ENGINE"
NAMES = ("docker", "process")


class Chosen(NamedTuple):
    """An engine, and why it and no other, in a few words."""

    engine: Engine
    why: str


class RunsElsewhere(SummitError):
    """The stack is up under another engine than the one that was asked for."""

    def __init__(self, runs: str) -> None:
        super().__init__(
            f"the stack runs under the {runs} engine",
            hint="`inv down` stops it; then choose another",
        )


def for_up(stack: Stack, asked: str = "") -> Chosen:
    """The engine to bring the stack up with, remembered for the commands that follow.

    It is `asked` for, or the variable SUMMIT_ENGINE says; else docker where an engine answers.
    Raises `ConfigError` for an unknown name, `RunsElsewhere`, and the errors of a container engine
    that was asked for and does not answer.
    """
    chosen = _chosen(stack, asked)
    before = _running(stack)
    if before and before.name != chosen.engine.name:
        raise RunsElsewhere(before.name)
    return chosen


def current(stack: Stack) -> Engine:
    """The engine under which the stack runs; where nothing runs, one that says so."""
    return _running(stack) or ProcessEngine(stack)


def with_data(stack: Stack) -> list[Engine]:
    """The engine under which the stack runs; where nothing runs, each that may hold its data."""
    if running := _running(stack):
        return [running]
    found: list[Engine] = [ProcessEngine(stack)]
    if os.environ.get(VARIABLE, "") != "process":
        with suppress(SummitError):
            found.append(_docker(stack))
    return found


def _chosen(stack: Stack, asked: str) -> Chosen:
    wanted = asked or os.environ.get(VARIABLE, "")
    if wanted and wanted not in NAMES:
        raise ConfigError(f"no engine called {wanted!r}", hint=nearest(wanted, NAMES))
    why = "as asked" if asked else f"as {VARIABLE} says"
    if wanted == "process":
        return Chosen(ProcessEngine(stack), why)
    if wanted == "docker":
        return Chosen(_docker(stack), why)
    try:
        return Chosen(_docker(stack), "it answers")
    except SummitError as error:
        return Chosen(ProcessEngine(stack), error.message)


def _running(stack: Stack) -> Engine | None:
    if recovery.is_supervised(stack.place) or stack.place.snapshot.exists():
        return ProcessEngine(stack)
    wanted = os.environ.get(VARIABLE, "")
    if wanted == "process":
        return None
    try:
        engine = _docker(stack)
    except SummitError:
        return None
    return engine if engine.now() else None


def _docker(stack: Stack) -> Engine:
    # Its client takes longer to import than most commands to run.
    from pipelines.stack.docker.engine import DockerEngine

    return DockerEngine.connected(stack)
