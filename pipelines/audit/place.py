"""A place in the audited repository."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A file, relative to the root of the audit and with `/`, and a line that counts from 1."""

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def below(self, lines: int) -> Place:
        """The place so many lines further down."""
        return Place(self.file, self.line + lines)
