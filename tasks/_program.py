"""`summit`: the same tasks as `inv`, for repositories that have no `tasks.py`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from invoke.collection import Collection
from invoke.program import Program

import tasks


def _version() -> str:
    from importlib import metadata

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
        case ["audit", path, *rest] if not path.startswith("-") and not _is_task(path):
            return ["audit", f"--path={path}", *rest]
    return list(words)


def _is_task(word: str) -> bool:
    names = {} if "/" in word else tasks.namespace.task_names
    return any(word in (name, *aliases) for name, aliases in names.items())


class Summit(Program):
    """Invoke's program, of which one word may be a path."""

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002
        binary, *typed = sys.argv if argv is None else argv
        words = spelled_out(typed)
        audit = Collection(tasks.of_audit())
        self.namespace = audit if _names_only(audit, words) else tasks.namespace
        super().run([binary, *words], exit=exit)

    def print_version(self) -> None:
        self.version = _version()
        super().print_version()


def _names_only(collection: Collection, words: Sequence[str]) -> bool:
    """Whether the first word is a task of these, and each other one a flag or what a flag takes.

    Then no word names another family's task; to import them all takes longer than many an audit.
    """
    first = words[0] if words else ""
    contexts = [it for it in collection.to_contexts() if first in (it.name, *it.aliases)]
    rest = iter(words[1:])
    for word in rest if contexts else ():
        name, is_given, _ = word.partition("=")
        if name not in contexts[0].flags:
            return False
        flag = contexts[0].flags[name]  # `get` knows no short ones
        if flag.optional and not is_given:
            return False
        if flag.takes_value and not is_given:
            next(rest, None)
    return bool(contexts)


program = Summit(name="Summit", binary="summit", namespace=Collection())
