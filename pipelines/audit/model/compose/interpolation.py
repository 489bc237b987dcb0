"""Compose's `${...}`: which variables a text asks for, and what it is when none of them is set.

Format: the Compose specification, "Interpolation": `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:?e}`,
`${X?e}`, `${X:+r}`, `${X+r}`, nested within their defaults; `$$` is one `$`. Like Compose itself,
a `$` before anything else (`$(date)`, `$1`) is left as it is; what Compose would refuse
(`${`, `${1}`) is left too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_BRACES = re.compile(r"\$\{|\}")
_DEEPEST = 12  # defaults within defaults; people nest two
_LONGEST = 20_000  # characters of a value; variables of variables may double up without end


class Reference(NamedTuple):
    """One variable that a text asks for; `argument` is the default, error or replacement, raw."""

    name: str
    operator: str  # "", ":-", "-", ":?", "?", ":+", "+"
    argument: str = ""

    @property
    def has_default(self) -> bool:
        return self.operator in (":-", "-") and self.argument != ""

    @property
    def is_required(self) -> bool:
        return self.operator in (":?", "?")


def references(text: str) -> list[Reference]:
    """Every variable that the text asks for, those within defaults included, from left to right."""
    return list(_references(text, _DEEPEST))


def resolve(text: str, values: Mapping[str, str] | None = None) -> str:
    """The text with these values, its own defaults for all others, and nothing for the rest."""
    return _resolve(text, values or {}, _DEEPEST) if "$" in text else text


def _references(text: str, depth: int) -> Iterator[Reference]:
    for part in _parts(text):
        if isinstance(part, Reference):
            yield part
            if depth and "$" in part.argument:
                yield from _references(part.argument, depth - 1)


def _resolve(text: str, values: Mapping[str, str], depth: int) -> str:
    found: list[str] = []
    length = 0
    for part in _parts(text):
        piece = part if isinstance(part, str) else _value(part, values, depth)
        found.append(piece)
        length += len(piece) if piece is not part else 0
        if length > _LONGEST:
            break
    return "".join(found)


def _value(reference: Reference, values: Mapping[str, str], depth: int) -> str:
    value = values.get(reference.name)
    is_there = bool(value) if reference.operator.startswith(":") else value is not None
    is_replaced = reference.operator.endswith("+")
    if reference.operator.endswith("-"):
        is_replaced = not is_there
    elif is_replaced:
        is_replaced, value = is_there, None
    if not is_replaced:
        return value or ""
    return _resolve(reference.argument, values, depth - 1) if depth else reference.argument


def _parts(text: str) -> Iterator[str | Reference]:
    """The text in pieces: what is literal, and what is asked for."""
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        yield text[position:dollar]
        after = dollar + 1
        if text.startswith("$", after):
            yield "$"
            position = after + 1
        elif text.startswith("{", after):
            end = _closing_brace(text, after + 1)
            if end is None:  # never closed: whatever follows is not closed either
                position = dollar
                break
            reference = _braced(text[after + 1 : end])
            yield reference or text[dollar : end + 1]
            position = end + 1
        elif name := _NAME.match(text, after):
            yield Reference(name.group(), "")
            position = name.end()
        else:
            yield "$"
            position = after
    yield text[position:]


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for brace in _BRACES.finditer(text, start):
        depth += 1 if brace.group() == "${" else -1
        if depth == 0:
            return brace.start()
    return None


def _braced(inside: str) -> Reference | None:
    name = _NAME.match(inside)
    if name is None:
        return None
    if name.end() == len(inside):
        return Reference(inside, "")
    operator = _OPERATOR.match(inside, name.end())
    if operator is None:
        return None
    return Reference(name.group(), operator.group(), inside[operator.end() :])
