"""What differs between two fingerprint documents, field by field and in words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]  # as `Fingerprint.document` writes it


class Absent(Enum):
    """Stands for what a document does not mention at all; a null is something else."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was; `name` says which one of a field that holds several.

    `before` and `after` are JSON values, or `ABSENT`.
    """

    field: str
    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return _WORDS.get(self.field, _replaced)(self)

    @property
    def is_change(self) -> bool:
        """Whether it is there before and after, and was not the same."""
        return ABSENT not in (self.before, self.after)


def differences(before: Document, after: Document) -> tuple[Difference, ...]:
    """Everything that differs: the command first, files and upstream steps last."""
    fields = dict.fromkeys((*_WORDS, *before, *after))
    return tuple(found for field in fields for found in _in_field(field, before, after))


def _in_field(field: str, before: Document, after: Document) -> Iterator[Difference]:
    old, new = before.get(field, ABSENT), after.get(field, ABSENT)
    if isinstance(old, dict) or isinstance(new, dict):
        ours, theirs = (it if isinstance(it, dict) else {} for it in (old, new))
        for name in sorted(ours.keys() | theirs.keys()):
            one, other = ours.get(name, ABSENT), theirs.get(name, ABSENT)
            if one != other:
                yield Difference(field, name, one, other)
    elif old != new:
        yield Difference(field, "", old, new)


def _file(it: Difference) -> str:
    if it.is_change:
        (mode, _, content), (to_mode, _, to_content) = (
            str(value).partition(" ") for value in (it.before, it.after)
        )
        if content == to_content:
            return f"file {it.name}: mode {mode} -> {to_mode}"
    return _found("file")(it)


def _found(kind: str) -> Callable[[Difference], str]:
    return lambda it: f"{kind} {it.name} {_fate(it, 'appeared', 'vanished')}"


def _needed(kind: str) -> Callable[[Difference], str]:
    return lambda it: f"{kind} {it.name} {_fate(it, 'is needed now', 'is no longer needed')}"


def _fate(it: Difference, came: str, went: str) -> str:
    if it.is_change:
        return "changed"
    return came if it.before is ABSENT else went


def _variable(it: Difference) -> str:
    def said(value: object) -> str:
        return "unset" if value is None else _value(value)

    return f"variable {it.name}: {said(it.before)} -> {said(it.after)}"


def _secret(it: Difference) -> str:
    def said(value: object) -> str:
        return "not declared" if value is ABSENT else "set" if value else "unset"

    return f"secret {it.name}: {said(it.before)} -> {said(it.after)}"


def _tool(it: Difference) -> str:
    one, other = (
        "not declared" if value is ABSENT else str(value) for value in (it.before, it.after)
    )
    return f"tool {it.name}: {one} -> {other}"


def _words(title: str) -> Callable[[Difference], str]:
    """For a list of words: only those that changed, `+` before new ones, `-` before old ones."""

    def say(it: Difference) -> str:
        if not (isinstance(it.before, list) and isinstance(it.after, list)):
            return _replaced(it)
        old, new = list(map(str, it.before)), list(map(str, it.after))
        parts = []
        for kind, start, end, to_start, to_end in SequenceMatcher(None, old, new).get_opcodes():
            one, other = shlex.join(old[start:end]), shlex.join(new[to_start:to_end])
            said = {"replace": f"{one} -> {other}", "delete": f"- {one}", "insert": f"+ {other}"}
            parts += [said[kind]] if kind in said else []
        return f"{title}: {', '.join(parts)}"

    return say


def _titled(title: str) -> Callable[[Difference], str]:
    return lambda it: f"{title}: {_value(it.before)} -> {_value(it.after)}"


def _replaced(it: Difference) -> str:
    return _titled(f"{it.field} {it.name}".rstrip())(it)


def _value(value: object) -> str:
    return "not declared" if value is ABSENT else json.dumps(value, ensure_ascii=False)


_WORDS: Mapping[str, Callable[[Difference], str]] = {
    "step": _titled("step"),
    "component": _titled("component"),
    "format": _titled("Summit's format"),
    "argv": _words("command"),
    "cwd": _titled("folder"),
    "tools": _tool,
    "env": _variable,
    "secrets": _secret,
    "services": _needed("service"),
    "outputs": _words("outputs"),
    "locks": _found("lock"),
    "files": _file,
    "upstream": _needed("upstream"),
}
