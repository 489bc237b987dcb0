"""An edit: one line in place of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pipelines.audit.findings import Finding
from pipelines.audit.model import Model
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


class Edit(NamedTuple):
    """The line at a place, and what stands there afterwards: one line, or several."""

    place: Place
    old: str
    new: str


Fixer = Callable[[Model, Finding], Edit | None]


def line(model: Model, place: Place) -> str:
    """The line at a place as it is, without its end."""
    lines = model.tracked.lines(place.file)
    return lines[place.line - 1] if 0 < place.line <= len(lines) else ""


def indent(text: str) -> str:
    """The white space that a line begins with."""
    return text[: len(text) - len(text.lstrip())]


def applied(tracked: Tracked, edits: Iterable[Edit]) -> dict[str, str]:
    """The texts of the files that the edits change; an edit whose line is another one is left."""
    lines: dict[str, list[str]] = {}
    for edit in edits:
        file = lines.setdefault(edit.place.file, list(tracked.lines(edit.place.file)))
        if file[edit.place.line - 1] == edit.old:
            file[edit.place.line - 1] = edit.new
    return {path: "\n".join(file) for path, file in sorted(lines.items())}
