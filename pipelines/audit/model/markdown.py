"""Markdown: headings, items, boxes, rows and sentences, each with its line and its section.

Code blocks, quotes, pictures and HTML are left out: nobody states there what was done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipelines.audit.place import Place

_LONGEST = 2_000  # characters of one block that are read; a longer one is data
_LABEL = 80  # characters; what is longer and ends with a colon is a sentence
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
    reader = _Reader(file)
    reader.read(_parser().parse(text))
    return Document(file, tuple(reader.blocks))


@cache
def _parser() -> MarkdownIt:
    # Blocks only: the text of one is read when it counts, and never an enormous one.
    return MarkdownIt("commonmark", {"maxNesting": 12}).enable("table").disable("inline")


@cache
def _inline() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": 12})


@dataclass
class _Reader:
    """Walks the tokens once, and knows where it is."""

    file: str
    blocks: list[Block] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    label: str = ""
    depth: int = 0
    quotes: int = 0
    heads: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    is_item_open: bool = False

    def read(self, tokens: Sequence[Token]) -> None:
        before = None
        for token in tokens:
            self._step(token, before)
            before = token

    def _step(self, token: Token, before: Token | None) -> None:
        if token.type in ("blockquote_open", "blockquote_close"):
            self.quotes += token.nesting
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            self.depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self.depth -= 1
        elif token.type == "list_item_open":
            self.is_item_open = True
        elif token.type == "thead_open":
            self.heads = []
        elif token.type == "tr_open":
            self.cells = []
        elif token.type == "tr_close":
            self._row(token, before)
        elif token.type == "inline" and before is not None and not self.quotes:
            self._inline(token, before)

    def _inline(self, token: Token, opened: Token) -> None:
        text = _plain(token.content)
        place = Place(self.file, (token.map or [0])[0] + 1)
        if opened.type == "heading_open":
            self._heading(int(opened.tag[1:]), text, place)
        elif opened.type == "th_open":
            self.heads.append(text)
        elif opened.type == "td_open":
            if not self.cells:
                self._row_place = place
            self.cells.append(text)
        elif self.depth and self.is_item_open:
            self.is_item_open = False
            self._item(text, place)
        elif not self.depth and _is_label(token.content, text):
            self.label = text.rstrip(": ")
            self._add(Block(Kind.LABEL, self.label, place, self._above()))
        else:
            self._add(Block(Kind.TEXT, text, place, self._section(), self.depth))

    def _heading(self, level: int, text: str, place: Place) -> None:
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

    def _row(self, token: Token, before: Token | None) -> None:
        if not self.cells or self.quotes:
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


def _plain(source: str) -> str:
    """The text without markup, code in backticks."""
    source = source[:_LONGEST]
    if not any(mark in source for mark in "`*_[<&\\"):
        return source
    tokens = _inline().parseInline(source)[0].children or []
    return "".join(_word(token) for token in tokens)


def _word(token: Token) -> str:
    if token.type == "code_inline":
        return f"`{token.content}`"
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return token.content if token.type in ("text", "text_special") else ""
