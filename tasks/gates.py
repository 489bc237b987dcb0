"""The gates: what must hold before a change lands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from invoke.context import Context
from invoke.tasks import Task

from pipelines import console, direct, entry, gates
from pipelines.errors import ConfigError
from pipelines.gates import Request
from pipelines.planning import forecast
from pipelines.root import find_root
from tasks._options import OPTIONS
from tasks._task import task


def _gate(name: str, summary: str) -> Task[Callable[..., None]]:
    """A task that brings one gate to evidence, or says what that would take."""

    def body(
        c: Context,
        affected: str | bool | None = None,
        jobs: int = 0,
        keep_going: bool = False,
        plan: bool = False,
        strict_inputs: bool = False,
    ) -> None:
        request = Request((name,), ref(affected), jobs, keep_going, strict_inputs)
        bring(find_root(Path.cwd()), request, is_plan=plan)

    body.__doc__ = f"{summary}\n\n    Example: inv {name} --affected --keep-going\n    "
    return task(name=name, optional=["affected"], help=OPTIONS)(body)


lint = _gate("lint", "Check style, formatting and locks.")
types = _gate("types", "Check types, strictly.")
check = _gate("check", "Run every gate.")
_all_tests = _gate("test", "Run the tests.")


@task(
    iterable=["only"],
    optional=["affected"],
    help={**OPTIONS, "only": "a component; may be given several times"},
)
def build(
    c: Context,
    only: Sequence[str] | None = None,
    affected: str | bool | None = None,
    jobs: int = 0,
    keep_going: bool = False,
    plan: bool = False,
    strict_inputs: bool = False,
) -> None:
    """Build what is shipped: the distribution, and the services' images.

    Example: inv build --only fabric
    """
    root = find_root(Path.cwd())
    request = Request(("build",), ref(affected), jobs, keep_going, strict_inputs, tuple(only or ()))
    bring(root, request, is_plan=plan)
    if not plan:
        from pipelines.images import kept

        for image in kept.ensure(root, only=request.only):
            console.result(f"{image.image}  {image.digest}")


@task(optional=["affected"], help=OPTIONS)
def integration(
    c: Context,
    affected: str | bool | None = None,
    jobs: int = 0,
    keep_going: bool = False,
    plan: bool = False,
    strict_inputs: bool = False,
) -> None:
    """Try the services and the whole stack in containers.

    Example: inv integration --plan
    """
    root = find_root(Path.cwd())
    if not plan:
        from pipelines.images import kept

        kept.ensure(root)
    request = Request(("integration",), ref(affected), jobs, keep_going, strict_inputs)
    bring(root, request, is_plan=plan)


def ref(affected: str | bool | None) -> str | None:
    """What `--affected` was given: a ref, "" for the default branch, or None."""
    return "" if affected is True else affected or None


def bring(root: Path, request: Request, *, is_plan: bool) -> None:
    """Bring the gates to evidence, or say what that would take."""
    workspace = entry.workspace(str(root))
    if is_plan:
        forecast.show(workspace, request)
    else:
        gates.run(workspace, request)


@task()
def fmt(c: Context) -> None:
    """Format the code and sort its imports.

    Example: inv fmt
    """
    direct.run(direct.FMT, root=find_root(Path.cwd()))


@task(
    iterable=["only"],
    optional=["affected"],
    help={
        **OPTIONS,
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
    affected: str | bool | None = None,
    jobs: int = 0,
    keep_going: bool = False,
    plan: bool = False,
    strict_inputs: bool = False,
) -> None:
    """Run the tests; a selection of them is run as it is and leaves no evidence.

    Example: inv test --only services/fusion -k replayed --args "--maxfail=1 -vv"
    """
    if not (only or k or args):
        _all_tests.body(
            c,
            affected=affected,
            jobs=jobs,
            keep_going=keep_going,
            plan=plan,
            strict_inputs=strict_inputs,
        )
        return
    root = find_root(Path.cwd())
    places = [_from_root(place, root) for place in only or ()]
    command = direct.pytest(places, keyword=k, arguments=shlex.split(args), jobs=jobs)
    direct.run([command], root=root)


def _from_root(place: str, root: Path) -> str:
    """A test's place as seen from the root; it was typed as seen from the current folder."""
    file, *names = place.split("::")
    path = Path.cwd() / file
    if not path.exists():
        raise ConfigError(f"no such file or folder: {file}")
    return "::".join([os.path.relpath(path, root), *names])
