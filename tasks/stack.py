"""The stack: everything that `compose.yaml` says must run together, here as local processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.errors import ConfigError
from pipelines.stack import report
from pipelines.stack.place import Place
from pipelines.stack.process import (
    foreground,
    health as healths,
    logs as log_files,
    recovery,
    verbs as engine,
)
from pipelines.stack.process.launch import usual_ports
from pipelines.stack.process.verbs import NotHealthy, Stack
from pipelines.stack.status import State, Status
from tasks._task import task

WAIT = 60.0  # seconds
ONLY = {"only": "a service, and all it needs; may be given several times"}
TIMEOUT = {"wait-timeout": f"seconds to wait for health (default {WAIT:g})"}


@task(
    iterable=["only"],
    help={**ONLY, **TIMEOUT, "attach": "follow the logs; Ctrl-C then stops the stack"},
)
def up(
    c: Context, only: Sequence[str] | None = None, wait_timeout: float = WAIT, attach: bool = False
) -> None:
    """Bring the stack up healthy and leave it running.

    Example: inv up --only fusion --wait-timeout 30
    """
    stack = _stack()
    try:
        running = engine.up(stack, only=only or (), timeout=wait_timeout, on_change=_show_changes())
    except NotHealthy as error:
        _explain(error, stack.place)
        raise
    with _stopping_at_the_end(stack.place) if attach else nullcontext():
        for line in report.moved(running.launches.values(), usual_ports(stack.project.services)):
            console.progress(line)
        console.result(report.addresses(running.statuses, running.launches))
        if attach:
            _follow(stack.place, sorted(running.launches))


@task(help={"volumes": "also delete the data"})
def down(c: Context, volumes: bool = False) -> None:
    """Stop the stack; nothing is left running.

    Example: inv down --volumes
    """
    stack = _stack()
    engine.down(stack.place)
    if volumes:
        engine.drop_volumes(stack)


@task(
    iterable=["only"],
    help={"only": "a service; may be given several times", **TIMEOUT},
)
def restart(c: Context, only: Sequence[str] | None = None, wait_timeout: float = WAIT) -> None:
    """Stop and start services, with the code as it is now.

    Example: inv restart --only fusion
    """
    stack = _stack()
    try:
        engine.restart(stack, only or (), timeout=wait_timeout, on_change=_show_changes())
    except NotHealthy as error:
        _explain(error, stack.place)
        raise


@task()
def ps(c: Context) -> None:
    """Show what runs and since when.

    Example: inv ps
    """
    place = _stack().place
    running = engine.now(place)
    if not running:
        console.progress("nothing runs; `inv up` starts the stack")
        return
    console.result(report.services(running.statuses))
    if not running.supervised:
        raise engine.SupervisorKilled(len(recovery.survivors(place)))


@task()
def health(c: Context) -> None:
    """Ask every service for its health now; fails unless all are healthy.

    Example: inv health
    """
    running = engine.require(_stack().place)
    found = healths.ask_all(running.launches.values())
    console.result(report.answers(found))
    sick = [s for s in running.statuses if s.name in found and not found[s.name][0]]
    lost = [s for s in running.statuses if s.state.is_lost and s not in sick]
    if sick or lost:
        raise NotHealthy([*sick, *lost])


@task(
    iterable=["only"],
    help={"only": "a service; may be given several times", "lines": "how many of each"},
)
def logs(
    c: Context, only: Sequence[str] | None = None, follow: bool = False, lines: int = 50
) -> None:
    """Show the last log lines; `--follow` goes on with what arrives.

    Example: inv logs -f --only fusion
    """
    place = _stack().place
    known = sorted(file.stem for file in place.logs.glob("*.log"))
    for name in only or ():
        if name not in known:
            raise ConfigError(f"no log of {name!r}", hint=f"known: {', '.join(known) or 'none'}")
    names = only or known
    before = report.prefixes(names)
    for name in names:
        for line in log_files.tail(place.log(name), lines):
            console.result(before[name] + line)
    if follow:
        _follow(place, names)


@task()
def smoke(c: Context) -> None:
    """Tell one story through the whole running system, by its public door.

    Example: inv smoke
    """
    foreground.smoke(_stack())


@task(name="exec", positional=["service"], help={"service": "whose environment to run in"})
def exec_(c: Context, service: str) -> None:
    """Run a command in a running service's environment; the command stands after `--`.

    Example: inv exec postgres -- psql --command 'select 1'
    """
    # Not `c.remainder`: Invoke joins the words with spaces and so loses where one ends.
    command = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if not command:
        raise ConfigError("no command given", hint="inv exec SERVICE -- COMMAND ARGUMENT...")
    foreground.execute(_stack(), service, command)


def _stack() -> Stack:
    return Stack.of(Path.cwd())


def _show_changes() -> engine.OnChange:
    """Print a line whenever a service's state is another than the last one printed."""
    shown: dict[str, State] = {}

    def show(status: Status) -> None:
        if shown.get(status.name, State.WAITING) is not status.state:
            console.progress(report.change(status))
            shown[status.name] = status.state

    return show


def _explain(error: NotHealthy, place: Place) -> None:
    for status in error.causes:
        console.progress(report.failure(status, place))


@contextmanager
def _stopping_at_the_end(place: Place) -> Iterator[None]:
    """However it ends, by Ctrl-C or a signal, is the end of the stack."""
    try:
        yield
    finally:
        console.progress("stopping the stack")
        engine.down(place)


def _follow(place: Place, names: Sequence[str]) -> None:
    before = report.prefixes(names)
    log_files.follow(
        {name: place.log(name) for name in names},
        lambda name, line: console.result(before[name] + line),
        go_on=lambda: recovery.is_supervised(place),
    )
