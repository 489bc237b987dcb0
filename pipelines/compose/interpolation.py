"""Variables in the values of a Compose file: `$NAME`, `${NAME}` and its forms with a default.

The rules are those of the Compose specification's chapter on interpolation, with one difference: a
variable that is not set and has no default is an error here, and not an empty text and a warning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipelines.errors import ConfigError, Where

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


def substitute(text: str, variables: Mapping[str, str], where: Where) -> str:
    """`text` with its variables replaced; `$$` stands for one dollar sign.

    Raises `ConfigError` at `where`.
    """
    done: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        done.append(text[position:dollar])
        value, position = _reference(text, dollar + 1, variables, where)
        done.append(value)
    return "".join(done) + text[position:]


def _reference(
    text: str, start: int, variables: Mapping[str, str], where: Where
) -> tuple[str, int]:
    """The value of what follows a dollar sign, and where the text goes on after it."""
    if text.startswith("$", start):
        return "$", start + 1
    if text.startswith("{", start):
        end = _closing_brace(text, start)
        if end is None:
            raise _malformed(text, "a brace is not closed", where)
        inside = text[start:end].removeprefix("{")
        return _braced(inside, variables, where), end + 1
    if name := _NAME.match(text, start):
        return _plain(name.group(), variables, where), name.end()
    raise _malformed(text, "no name follows a dollar sign", where)


def _closing_brace(text: str, opening: int) -> int | None:
    depth = 0
    for position in range(opening, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    return None


def _braced(inside: str, variables: Mapping[str, str], where: Where) -> str:
    name = _NAME.match(inside)
    if name is None:
        raise _malformed(f"${{{inside}}}", "it does not begin with a name", where)
    if name.end() == len(inside):
        return _plain(name.group(), variables, where)
    operator = _OPERATOR.match(inside, name.end())
    if operator is None:
        reason = f"{inside[name.end()]!r} cannot follow the name"
        raise _malformed(f"${{{inside}}}", reason, where)
    value = variables.get(name.group())
    word = inside.removeprefix(name.group() + operator.group())
    is_there = bool(value) if operator.group().startswith(":") else value is not None
    match operator.group()[-1]:
        case "+":
            return substitute(word, variables, where) if is_there else ""
        case "-":
            return value or "" if is_there else substitute(word, variables, where)
        case _:
            if is_there:
                return value or ""
            raise _missing(name.group(), substitute(word, variables, where), where)


def _plain(name: str, variables: Mapping[str, str], where: Where) -> str:
    if name not in variables:
        raise _missing(name, "", where)
    return variables[name]


def _missing(name: str, message: str, where: Where) -> ConfigError:
    return ConfigError(
        f"the variable {name} is {'missing: ' + message if message else 'not set'}",
        where=where,
        hint=f"set it, or write ${{{name}:-}} for an empty default" if not message else "",
    )


def _malformed(text: str, reason: str, where: Where) -> ConfigError:
    return ConfigError(
        f"bad interpolation in {text!r}: {reason}",
        where=where,
        hint="a literal dollar sign is written $$",
    )
