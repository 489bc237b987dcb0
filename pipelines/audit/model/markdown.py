"""Markdown: headings, items, boxes, rows and sentences, each with its line and its section.

Code blocks, quotes, pictures and HTML are left out: nobody states there what was done.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyromark

from pipelines.audit.place import Place

if TYPE_CHECKING:
    from pyromark.event import Range

_LONGEST = 2_000  # characters of one block that are read; a longer one is data
_MOST = 100_000  # events that are read; the cells that the rows of a table lack may be millions
_LABEL = 80  # characters; what is longer and ends with a colon is a sentence
_WITHIN = frozenset(("Emphasis", "Strong", "Link", "Image"))  # a paragraph; all else parts two
_ASIDE = frozenset(("BlockQuote", "CodeBlock", "HtmlBlock", "Image"))  # what says nothing
_BOX = re.compile(r"\[([ xX])\]\s+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])")


class Kind(Enum):
    """What a block is to its reader."""

    HEADING = "heading"
    LABEL = "label"  # a paragraph that only announces what follows: "**Files changed**:"
    ITEM = "item"
    ROW = "row"
    TEXT = "text"


@dataclass(frozen=True)
class Block:
    """One heading, item, row or paragraph.

    `text` is without markup; what is code stands in backticks, and lines end as in the file.
    `section` are the headings above, outermost first, then the label. `depth` is a heading's
    level, or how deep an item stands in its list. `is_ticked` is None without a box. `cells` are
    a row's, each with the head of its column.
    """

    kind: Kind
    text: str
    place: Place
    section: tuple[str, ...] = ()
    depth: int = 0
    is_ticked: bool | None = None
    cells: tuple[tuple[str, str], ...] = ()

    def sentences(self) -> Iterator[tuple[str, Place]]:
        """Each sentence with the line that it begins on."""
        start = 0
        for end in (*(match.start() for match in _SENTENCE.finditer(self.text)), len(self.text)):
            raw = self.text[start:end]
            sentence = raw.lstrip()
            lines = self.text.count("\n", 0, end - len(sentence))
            if sentence:
                yield sentence.replace("\n", " "), self.place.below(lines)
            start = end


@dataclass(frozen=True)
class Document:
    """One file, block by block."""

    file: str
    blocks: tuple[Block, ...]


def parse(text: str, file: str) -> Document:
    """Read one file; whatever it holds is some Markdown."""
    reader = _Reader(file, text.encode())
    for event, span in _events(text):
        reader.step(event, span["start"], span["end"])
    return Document(file, tuple(reader.blocks))


def html_lines(text: str) -> set[int]:
    """The lines of HTML that is no part of a paragraph, such as comments of their own."""
    lines = _Lines(text.encode())
    return {
        line
        for event, span in _events(text)
        if event == {"Start": "HtmlBlock"}
        for line in range(lines.at(span["start"]), lines.at(span["end"] - 1) + 1)
    }


def _events(text: str) -> Iterator[tuple[Any, Range]]:
    """What opens, closes or stands in the text, each with its span in bytes."""
    events = pyromark.events_with_range(text, options=pyromark.Options.ENABLE_TABLES)
    yield from islice(events, _MOST)


class _Lines:
    """On which line a byte stands; the first is 1."""

    def __init__(self, data: bytes) -> None:
        self._ends = [match.start() for match in re.finditer(rb"\n", data)]

    def at(self, position: int) -> int:
        return bisect_left(self._ends, position) + 1


@dataclass
class _Reader:
    """Walks the events once, and knows where it is."""

    file: str
    data: bytes
    blocks: list[Block] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    label: str = ""
    depth: int = 0
    aside: int = 0  # how much is open that says nothing
    heads: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    is_item_open: bool = False
    words: list[str] = field(default_factory=list)  # of the block so far, from `start` to `end`
    start: int = -1
    end: int = -1

    def __post_init__(self) -> None:
        self._lines = _Lines(self.data)

    def step(self, event: Any, start: int, end: int) -> None:
        if isinstance(event, str):
            self._word("\n" if event in ("SoftBreak", "HardBreak") else "", start, end)
            return
        ((kind, what),) = event.items()
        if kind == "Start":
            self._open(_name(what), start)
        elif kind == "End":
            self._close(_name(what), what, end)
        elif kind in ("Text", "Code", "InlineHtml"):
            word = {"Text": what, "Code": f"`{what}`"}.get(kind, "")
            self._word(word, start, end)

    def _word(self, word: str, start: int, end: int) -> None:
        if not self.aside:
            self.words.append(word)
            self.start = start if self.start < 0 else self.start
            self.end = end

    def _open(self, name: str, start: int) -> None:
        if name in _WITHIN:
            self._word("", start, start)
        else:
            self._paragraph()
        if name in _ASIDE:
            self.aside += 1
        elif name == "List":
            self.depth += 1
        elif name == "Item":
            self.is_item_open = True
        elif name == "TableHead":
            self.cells = self.heads = []  # its cells are the heads
        elif name == "TableRow":
            self.cells = []
            self._row_place = self._place(start)

    def _close(self, name: str, what: Any, end: int) -> None:
        if name in _ASIDE:
            self.aside -= 1
        if name in _WITHIN:
            self._word("", end, end)
        elif name == "Heading":
            self._heading(int(what[name][1:]))
        elif name == "TableCell":
            self.cells.append(self._taken()[0])
        elif name == "TableRow":
            self._row()
        else:
            self._paragraph()
        if name == "List":
            self.depth -= 1

    def _taken(self) -> tuple[str, str, Place]:
        """The words since the last block, their source, and where they begin."""
        text = "".join(self.words)[:_LONGEST]
        source = self.data[max(self.start, 0) : self.end].decode(errors="replace")
        place = self._place(max(self.start, 0))
        self.words, self.start, self.end = [], -1, -1
        return text, source, place

    def _place(self, position: int) -> Place:
        return Place(self.file, self._lines.at(position))

    def _paragraph(self) -> None:
        if not self.words:
            return
        text, source, place = self._taken()
        if self.depth and self.is_item_open:
            self.is_item_open = False
            self._item(text, place)
        elif not self.depth and _is_label(source, text):
            self.label = text.rstrip(": ")
            self._add(Block(Kind.LABEL, self.label, place, self._above()))
        else:
            self._add(Block(Kind.TEXT, text, place, self._section(), self.depth))

    def _heading(self, level: int) -> None:
        text, _, place = self._taken()
        if self.aside:
            return
        while self.headings and self.headings[-1][0] >= level:
            self.headings.pop()
        self.label = ""
        self._add(Block(Kind.HEADING, text, place, self._above(), level))
        self.headings.append((level, text))

    def _item(self, text: str, place: Place) -> None:
        box = _BOX.match(text)
        block = Block(Kind.ITEM, text, place, self._section(), self.depth)
        if box:
            is_ticked = box[1] != " "
            block = replace(block, text=text[box.end() :], is_ticked=is_ticked)
        self._add(block)

    def _row(self) -> None:
        if self.aside:
            return
        cells = tuple(zip(self.heads, self.cells, strict=False))
        text = " | ".join(self.cells)
        self._add(Block(Kind.ROW, text, self._row_place, self._section(), cells=cells))

    def _add(self, block: Block) -> None:
        if block.text.strip():
            self.blocks.append(block)

    def _above(self) -> tuple[str, ...]:
        return tuple(text for _, text in self.headings)

    def _section(self) -> tuple[str, ...]:
        return (*self._above(), self.label) if self.label else self._above()


def _is_label(source: str, text: str) -> bool:
    """Whether a paragraph only announces: `FIXES:`, `**Fixes**:`, or nothing but bold words."""
    if len(text) > _LABEL or "\n" in text:
        return False
    is_bold = source.startswith("**") and source.endswith("**") and source.count("**") == 2
    return text.endswith(":") or is_bold


def _name(what: Any) -> str:
    """Of what opens or closes; some have properties as well."""
    return what if isinstance(what, str) else str(next(iter(what)))
