"""`summit`: the same tasks as `inv`, for repositories that have no `tasks.py`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import metadata

from invoke.program import Program

from tasks import namespace


def _version() -> str:
    try:
        return metadata.version("summit-pipelines")
    except metadata.PackageNotFoundError:  # run from a checkout, which is not installed
        return "unreleased"


def spelled_out(words: Sequence[str]) -> list[str]:
    """The words with `audit PATH` as `audit --path PATH`, where they begin so.

    Invoke has no argument that may be left out and needs no flag. A word that is a task's name is
    the next task: `summit audit test`, but `summit audit ./test`.
    """
    match words:
        case ["audit", path, *rest] if not path.startswith("-") and path not in _tasks():
            return ["audit", f"--path={path}", *rest]
    return list(words)


def _tasks() -> set[str]:
    return {name for task, aliases in namespace.task_names.items() for name in (task, *aliases)}


class Summit(Program):
    """Invoke's program, of which one word may be a path."""

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002
        binary, *words = sys.argv if argv is None else argv
        super().run([binary, *spelled_out(words)], exit=exit)


program = Summit(name="Summit", binary="summit", namespace=namespace, version=_version())
