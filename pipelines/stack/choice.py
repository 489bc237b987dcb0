"""Which engine runs a stack: asked for, remembered from `up`, or the best that this machine has."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, MachineError, SummitError
from pipelines.programs import process
from pipelines.stack.engine import Engine, Foreign
from pipelines.stack.process import recovery
from pipelines.stack.process.engine import ProcessEngine
from pipelines.stack.stack import Stack

if TYPE_CHECKING:
    from pipelines.stack.docker.engine import DockerEngine

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


class ComposeMissing(MachineError):
    """An engine answers, and the `docker` command has not what brings a stack up."""

    def __init__(self) -> None:
        super().__init__(
            "the `docker` command has no plugin `compose`",
            hint="install it: `docker-compose-plugin` of Docker's packages, `docker-compose` of"
            " Debian's, `docker-compose-v2` of Ubuntu's",
        )


def for_up(stack: Stack, asked: str = "") -> Chosen:
    """The engine to bring the stack up with.

    It is `asked` for, or the variable SUMMIT_ENGINE says; else docker where an engine answers and
    `docker compose` works. Raises `ConfigError` for an unknown name, `RunsElsewhere`, and the
    errors of a container engine that cannot be used and was asked for, or runs the stack.
    """
    chosen = _chosen(stack, asked)
    try:
        before = _current(stack)
    except SummitError:
        if not _wanted(asked):  # who chooses another by name need not wait for it
            raise
        before = None
    if before and before.name != chosen.engine.name and before.now():
        raise RunsElsewhere(before.name)
    return chosen


def for_compose(stack: Stack) -> list[Path]:
    """Make what `docker compose up` takes without us; returns the files to give to it."""
    return _docker(stack).prepare()


def current(stack: Stack) -> Engine:
    """The engine under which the stack runs; where nothing runs, one that says so.

    Raises the errors of the container engine that it was brought up with and that does not answer.
    """
    return _current(stack) or ProcessEngine(stack)


def with_data(stack: Stack) -> list[Engine]:
    """The engine under which the stack runs; where nothing runs, each that may hold its data."""
    if running := _current(stack):
        return [running]
    found: list[Engine] = [ProcessEngine(stack)]
    if _wanted() != "process":
        with suppress(SummitError):
            docker = _docker(stack)
            docker.now()  # another checkout's data are not ours to delete
            found.append(docker)
    return found


def _wanted(asked: str = "") -> str:
    return asked or os.environ.get(VARIABLE, "")


def _chosen(stack: Stack, asked: str) -> Chosen:
    wanted = _wanted(asked)
    if wanted and wanted not in NAMES:
        raise ConfigError(f"no engine called {wanted!r}", hint=nearest(wanted, NAMES))
    why = "as asked" if asked else f"as {VARIABLE} says"
    if wanted == "process":
        return Chosen(ProcessEngine(stack), why)
    if wanted == "docker":
        return Chosen(_docker_with_compose(stack), why)
    try:
        return Chosen(_docker_with_compose(stack), "it answers")
    except SummitError as error:
        return Chosen(ProcessEngine(stack), error.message)


def _current(stack: Stack) -> Engine | None:
    """The engine under which the stack runs, or was brought up and not taken down."""
    place = stack.place
    if recovery.is_supervised(place) or place.snapshot.exists():
        return ProcessEngine(stack)
    is_remembered = place.engine.exists() and place.engine.read_text().strip() == "docker"
    if not is_remembered and _wanted() == "process":
        return None
    try:
        engine = _docker(stack)
        return engine if engine.now() or is_remembered else None
    except Foreign:  # what runs there is another checkout's
        return None
    except SummitError:
        if is_remembered:
            raise
        return None


def _docker_with_compose(stack: Stack) -> Engine:
    """The docker engine, where `docker compose` works too. Raises `ComposeMissing`."""
    with ThreadPoolExecutor(1) as meanwhile:  # as much time as it takes, the engine takes too
        asked = meanwhile.submit(process.read, ("docker", "compose", "version"))
        engine = _docker(stack)
    if not asked.result():
        raise ComposeMissing
    return engine


def _docker(stack: Stack) -> DockerEngine:
    # Its client takes longer to import than most commands to run.
    from pipelines.stack.docker.engine import DockerEngine

    return DockerEngine.connected(stack)
