"""The stack: everything that `compose.yaml` says must run together."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from invoke.context import Context

from pipelines import console, entry
from pipelines.errors import ConfigError
from pipelines.stack import choice, report
from pipelines.stack.engine import Engine, OnChange
from pipelines.stack.health import NotHealthy
from pipelines.stack.stack import Stack
from pipelines.stack.status import State, Status
from tasks._task import task

WAIT = 60.0  # seconds
ONLY = {"only": "a service, and all it needs; may be given several times"}
TIMEOUT = {"wait-timeout": f"seconds to wait for health (default {WAIT:g})"}


@task(
    iterable=["only", "profile"],
    help={
        **ONLY,
        **TIMEOUT,
        "engine": "docker or process (default: docker where it can be used)",
        "profile": "services of this profile too; may be given several times",
        "attach": "follow the logs; Ctrl-C then stops the stack",
        "for_compose": "start nothing; make what `docker compose up` takes without this tool",
    },
)
def up(
    c: Context,
    only: Sequence[str] | None = None,
    profile: Sequence[str] | None = None,
    engine: str = "",
    wait_timeout: float = WAIT,
    attach: bool = False,
    for_compose: bool = False,
) -> None:
    """Bring the stack up healthy and leave it running.

    Example: inv up --engine process --only fusion --wait-timeout 30
    """
    stack = _stack()
    if for_compose:
        _prepare_for_compose(stack)
        return
    chosen, why = choice.for_up(stack, engine)
    console.progress(f"engine: {chosen.described} ({why})")
    if chosen.name == "docker":
        services = stack.project.selected(profiles=profile or (), only=only or ())
        entry.images(str(stack.place.root), stack.project.builders(services.values()))
    with _explained(chosen):
        running = chosen.up(
            only=only or (), profiles=profile or (), timeout=wait_timeout, on_change=_show_changes()
        )
    with _stopping_at_the_end(chosen) if attach else nullcontext():
        for line in running.notices:
            console.progress(line)
        console.result(report.addresses(running))
        if attach:
            _follow(chosen, sorted(status.name for status in running.statuses))


@task(help={"volumes": "also delete the data"})
def down(c: Context, volumes: bool = False) -> None:
    """Stop the stack; nothing is left running.

    Example: inv down --volumes
    """
    for engine in choice.with_data(_stack()) if volumes else [_engine()]:
        engine.down(volumes=volumes)


@task(
    iterable=["only"],
    help={"only": "a service; may be given several times", **TIMEOUT},
)
def restart(c: Context, only: Sequence[str] | None = None, wait_timeout: float = WAIT) -> None:
    """Stop and start services; local processes take the code as it is now.

    Example: inv restart --only fusion
    """
    engine = _engine()
    with _explained(engine):
        engine.restart(only or (), timeout=wait_timeout, on_change=_show_changes())


@task()
def ps(c: Context) -> None:
    """Show what runs and since when.

    Example: inv ps
    """
    running = _engine().now()
    if not running:
        console.progress("nothing runs; `inv up` starts the stack")
        return
    console.result(report.services(running.statuses))
    if running.trouble:
        raise running.trouble


@task()
def health(c: Context) -> None:
    """Ask every service for its health now; fails unless all are healthy.

    Example: inv health
    """
    engine = _engine()
    found = engine.health()
    console.result(report.answers(found))
    statuses = engine.now().statuses
    sick = [s for s in statuses if s.name in found and not found[s.name][0]]
    lost = [s for s in statuses if s.state.is_lost and s not in sick]
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
    engine = _engine()
    known = engine.logged()
    for name in only or ():
        if name not in known:
            raise ConfigError(f"no log of {name!r}", hint=f"known: {', '.join(known) or 'none'}")
    names = only or known
    before = report.prefixes(names)
    for name in names:
        for line in engine.tail(name, lines):
            console.result(before[name] + line)
    if follow:
        _follow(engine, names)


@task(
    help={
        "env": "an environment, by its public doors; the result is evidence about its release",
        "engine": "with --env: its engine, where it was deployed with another than it names",
    }
)
def smoke(c: Context, env: str = "", engine: str = "") -> None:
    """Tell one story through the whole running system, by its public door.

    Example: inv smoke --env staging
    """
    if not env:
        _engine().smoke()
        return
    from pipelines.deploy.smoke import smoke as smoke_through_doors
    from tasks.deploy import place_of

    smoke_through_doors(place_of(env, engine))


@task(name="exec", positional=["service"], help={"service": "whose environment to run in"})
def exec_(c: Context, service: str) -> None:
    """Run a command in a running service's environment; the command stands after `--`.

    Example: inv exec postgres -- psql --command 'select 1'
    """
    # Not `c.remainder`: Invoke joins the words with spaces and so loses where one ends.
    command = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if not command:
        raise ConfigError("no command given", hint="inv exec SERVICE -- COMMAND ARGUMENT...")
    _engine().execute(service, command)


def _prepare_for_compose(stack: Stack) -> None:
    files = choice.for_compose(stack)
    words = [f"--file={os.path.relpath(file)}" for file in files]
    console.result(shlex.join(["docker", "compose", *words, "up", "--wait"]))


def _stack() -> Stack:
    return Stack.of(Path.cwd())


def _engine() -> Engine:
    return choice.current(_stack())


def _show_changes() -> OnChange:
    """Print a line whenever a service's state is another than the last one printed."""
    shown: dict[str, State] = {}

    def show(status: Status) -> None:
        if shown.get(status.name, State.WAITING) is not status.state:
            console.progress(report.change(status))
            shown[status.name] = status.state

    return show


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Show of each service that is not healthy what it said last."""
    try:
        yield
    except NotHealthy as error:
        for status in error.causes:
            log = engine.tail(status.name, report.LOG_LINES)
            console.progress(report.failure(status, log))
        raise


@contextmanager
def _stopping_at_the_end(engine: Engine) -> Iterator[None]:
    """However it ends, by Ctrl-C or a signal, is the end of the stack."""
    try:
        yield
    finally:
        console.progress("stopping the stack")
        engine.down()


def _follow(engine: Engine, names: Sequence[str]) -> None:
    before = report.prefixes(names)
    engine.follow(names, lambda name, line: console.result(before[name] + line))
