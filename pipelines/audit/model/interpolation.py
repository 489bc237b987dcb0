"""Compose's `${...}`: which variables a text asks for, and what it is when none of them is set.

Format: the Compose specification, "Interpolation": `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:?e}`,
`${X?e}`, `${X:+r}`, `${X+r}`, nested within their defaults; `$$` is one `$`.
"""

from __future__ import annotations

from typing import NamedTuple


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
    raise NotImplementedError


def resolve(text: str, values: dict[str, str] | None = None) -> str:
    """The text with these values, its own defaults for all others, and nothing for the rest."""
    raise NotImplementedError
