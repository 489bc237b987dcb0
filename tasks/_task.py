"""The border: the one place where an expected error becomes a message and an exit code."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Concatenate, ParamSpec

from invoke import tasks as invoke_tasks
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from pipelines.errors import SummitError

P = ParamSpec("P")
Body = Callable[Concatenate[Context, P], None]

_INTERRUPTED = 130


def task(
    *,
    name: str | None = None,
    help: Mapping[str, str] | None = None,  # noqa: A002 - Invoke's own word
    optional: Iterable[str] = (),
    iterable: Iterable[str] = (),
    positional: Iterable[str] | None = None,
) -> Callable[[Body[P]], Task[Body[P]]]:
    """Make a function an Invoke task; the arguments are Invoke's own.

    A `SummitError` ends as one line `error: ...` on stderr with its own exit code, Ctrl-C as 130.
    Anything else is a bug and keeps its traceback.
    """

    def decorate(body: Body[P]) -> Task[Body[P]]:
        made: Task[Body[P]] = invoke_tasks.task(
            name=name,
            help=dict(help or {}),
            optional=tuple(optional),
            iterable=tuple(iterable),
            positional=positional,
        )(_bordered(body))
        return made

    return decorate


def _bordered(body: Body[P]) -> Body[P]:
    @functools.wraps(body)
    def inside(context: Context, /, *args: P.args, **kwargs: P.kwargs) -> None:
        _end_in_order_on(signal.SIGTERM, signal.SIGHUP)
        try:
            body(context, *args, **kwargs)
        except SummitError as error:
            raise Exit(message=f"error: {error}", code=error.exit_code) from error
        except KeyboardInterrupt:
            raise Exit(message="interrupted", code=_INTERRUPTED) from None

    return inside


def _end_in_order_on(*signals: signal.Signals) -> None:
    """Unwind on a polite kill, as on Ctrl-C, so that no started program is left behind."""
    for number in signals:
        if signal.getsignal(number) == signal.SIG_DFL:  # `nohup` ignores SIGHUP on purpose
            signal.signal(number, _unwind)


def _unwind(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
