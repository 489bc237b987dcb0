"""Placeholders in words and patterns: `{folder}`, `{component}`, `{junit}`.

The notation is that of `str.format` with names alone: `{{` and `}}` stand for braces.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError

JUNIT = "{junit}"  # left as it is: only a run knows where the report goes


@dataclass(frozen=True)
class Text:
    """A text in pieces: literals, each with the name of the placeholder that follows it."""

    pieces: tuple[tuple[str, str | None], ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with each placeholder replaced by its value."""
        if len(self.pieces) == 1 and self.pieces[0][1] is None:
            return self.pieces[0][0]
        return "".join(
            literal if name is None else literal + values[name] for literal, name in self.pieces
        )


def parse(entry: Entry, known: Collection[str]) -> Text:
    """The text of an entry that may hold the `known` placeholders. Raises `ConfigError`."""
    text = entry.text
    if "{" not in text and "}" not in text:
        return Text(((text, None),))
    try:
        pieces = [
            (literal, _name(entry, name, spec, conversion, known))
            for literal, name, spec, conversion in string.Formatter().parse(text)
        ]
    except ValueError:
        raise _stray(entry, f"a brace without its pair in {text!r}") from None
    literals = "".join(literal if name is None else literal + "\0" for literal, name in pieces)
    if JUNIT in literals:
        raise entry.error(f"{JUNIT} is always the report's file and cannot be written as a text")
    return Text(tuple(pieces))


def _name(
    entry: Entry, name: str | None, spec: str | None, conversion: str | None, known: Collection[str]
) -> str | None:
    if name is None:
        return None
    if name in known and not spec and conversion is None:
        return name
    written = f"{{{name}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}}}"
    raise _stray(entry, f"no placeholder {written}", nearest(name, known))


def _stray(entry: Entry, message: str, hint: str = "") -> ConfigError:
    mend = "a brace itself is written {{ or }}"
    return entry.error(message, hint=f"{hint} {mend}" if hint.endswith("?") else mend)
