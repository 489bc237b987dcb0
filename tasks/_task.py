"""What makes a function a task: Invoke's own decorator, and the border around the body."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec

from invoke import tasks as invoke_tasks
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from pipelines import border

P = ParamSpec("P")
Body = Callable[Concatenate[Context, P], None]


def task(
    *,
    name: str | None = None,
    default: bool = False,
    help: Mapping[str, str] | None = None,  # noqa: A002 - Invoke's own word
    optional: Iterable[str] = (),
    iterable: Iterable[str] = (),
    positional: Iterable[str] | None = None,
) -> Callable[[Body[P]], Task[Body[P]]]:
    """Make a function an Invoke task; the arguments are Invoke's own.

    How errors end is `pipelines.border`'s to say.
    """

    def decorate(body: Body[P]) -> Task[Body[P]]:
        made: Task[Body[P]] = invoke_tasks.task(
            klass=_Lettered,
            name=name,
            default=default,
            help=dict(help or {}),
            optional=tuple(optional),
            iterable=tuple(iterable),
            positional=positional,
        )(_bordered(body))
        return made

    return decorate


class _Lettered(Task[Body[P]]):
    """A task none of whose options takes the letter of `--help`."""

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        found: dict[str, Any] = super().arg_opts(name, default, {*taken_names, "h"})
        return found


def _bordered(body: Body[P]) -> Body[P]:
    @functools.wraps(body)
    def inside(context: Context, /, *args: P.args, **kwargs: P.kwargs) -> None:
        code = border.cross(lambda: body(context, *args, **kwargs))
        if code:
            raise Exit(code=code)

    return inside
