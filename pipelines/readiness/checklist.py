"""The checklist, `readiness.yaml`: what is claimed, and which evidence would prove it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.documents import document, shapes
from pipelines.documents.document import Entry
from pipelines.documents.shapes import TEXT, TEXTS, Keys, List
from pipelines.environments import duration
from pipelines.errors import ConfigError, Where

FILE = Path("readiness.yaml")
_LINE = Keys(
    {
        **dict.fromkeys(("says", "gate", "record", "unless", "max_age"), TEXT),
        "steps": TEXTS,
    },
    required=("says",),
)
_SECTION = Keys({"title": TEXT, "lines": List(_LINE)}, required=("title", "lines"))
_DOCUMENT = Keys(
    {"file": TEXT, "title": TEXT, "about": TEXT, "sections": List(_SECTION)},
    required=("file", "title", "sections"),
)
_WHOLE = Keys({"documents": List(_DOCUMENT)}, required=("documents",))


@dataclass(frozen=True)
class Line:
    """One claim. It is proven by all steps of a gate, by these steps, or by the newest record.

    `record` is `STEP:COMPONENT` of something that looked at a release, and `unless` what undoes it
    when it was done later and about another one. `max_age` is in seconds.
    """

    says: str
    where: Where
    gate: str = ""
    steps: tuple[str, ...] = ()
    record: str = ""
    unless: str = ""
    max_age: float | None = None


@dataclass(frozen=True)
class Section:
    """Lines under one heading."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Document:
    """One generated file; `about` stands under its title."""

    file: Path
    title: str
    about: str
    sections: tuple[Section, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line of every section."""
        return tuple(line for section in self.sections for line in section.lines)


def load(root: Path) -> tuple[Document, ...]:
    """The documents of the repository. Raises `ConfigError`, with file and line."""
    if not (root / FILE).is_file():
        raise ConfigError(f"no {FILE}, which says what readiness is", where=Where(FILE))
    whole = document.read(root / FILE, shown=FILE)
    shapes.check(whole, _WHOLE)
    return tuple(map(_document, whole.fields["documents"].items))


def _document(entry: Entry) -> Document:
    fields = entry.fields
    return Document(
        file=Path(fields["file"].text),
        title=fields["title"].text,
        about=fields["about"].text.strip() if "about" in fields else "",
        sections=tuple(map(_section, fields["sections"].items)),
    )


def _section(entry: Entry) -> Section:
    lines = tuple(map(_line, entry.fields["lines"].items))
    return Section(entry.fields["title"].text, lines)


def _line(entry: Entry) -> Line:
    fields = entry.fields
    if len({"gate", "steps", "record"} & fields.keys()) != 1:
        raise entry.error("needs one of `gate`, `steps` and `record`: what would prove it")
    if "unless" in fields and "record" not in fields:
        raise fields["unless"].error("`unless` belongs to a `record`")
    return Line(
        says=fields["says"].text,
        where=entry.where,
        gate=fields["gate"].text if "gate" in fields else "",
        steps=tuple(it.text for it in fields["steps"].items) if "steps" in fields else (),
        record=fields["record"].text if "record" in fields else "",
        unless=fields["unless"].text if "unless" in fields else "",
        max_age=_seconds(fields["max_age"]) if "max_age" in fields else None,
    )


def _seconds(entry: Entry) -> float:
    try:
        return duration.seconds(entry.text)
    except ValueError as error:
        raise entry.error(str(error), hint=duration.MEND) from None
