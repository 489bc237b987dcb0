"""Statements: what a document says was done, each at the line that says it best."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice

from pipelines.audit.claims import stance, topics
from pipelines.audit.claims.sources import Manner
from pipelines.audit.claims.stance import Stance
from pipelines.audit.claims.topics import Topic
from pipelines.audit.model.markdown import Block, Document, Kind
from pipelines.audit.place import Place


class Form(IntEnum):
    """How a statement is made; of two that say the same, the greater is the more specific."""

    SUBJECT = 0  # a summary of everything
    SENTENCE = 1
    ITEM = 2
    ROW = 3
    BOX = 4
    HEADING = 5


@dataclass(frozen=True)
class Statement:
    """Something that a document says is done.

    `details` are the lines below it that belong to it, `listed` those of its lists of files.
    `numbers` are those that a heading carries: "8-9." are two. `is_summary` says that all of what
    the document is about is done.
    """

    place: Place
    text: str
    form: Form
    section: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    topics: tuple[Topic, ...] = ()
    numbers: tuple[int, ...] = ()
    is_summary: bool = False

    @property
    def words(self) -> str:
        """Everything that it says."""
        return "\n".join((self.text, *self.details, *self.listed))

    @property
    def weight(self) -> int:
        """How exact it is: of those that say the same, the heaviest counts."""
        return 2 * self.form - any(_MINOR.search(text) for text in self.section)


_NUMBER = re.compile(
    r"\W*(?:(?:issue|fix|item|finding|task|step|phase|part)\s+)?#?"
    r"(?:(\d{1,6})(?:\s*[-\u2013&,]\s*(\d{1,6}))?(?:\.\d+)*|[A-Z]{1,4}-?\d+(?:\.\d+)*)"
    r"[.):]*[\s:.)-]",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"\b(?:all|every one of|each of)\b[^.]{0,60}\b(?:issues?|findings?|items?|fix(?:es)?|gaps?"
    r"|vulnerabilit\w+|problems?|blockers?|bugs?)\b[^.]{0,80}"
    r"\b(?:addressed|fixed|resolved|closed|mitigated|remediated|done|completed?)\b"
    r"|\b(?:address|fix|resolve|close|remediate)(?:e[sd]|s|d)?\b[^.]{0,30}\b(?:all|\d+)\b[^.]{0,60}"
    r"\b(?:issues?|findings?|gaps?|vulnerabilit\w+|problems?|blockers?)\b",
    re.IGNORECASE,
)
_FILES = re.compile(
    r"\W*(?:(?:new|key|modified|changed|updated|created|affected|added|relevant)\s+)?"
    r"(?:files?|locations?|paths?|artifacts?|deliverables?)\b(?!\s*(?:system|upload|size))",
    re.IGNORECASE,
)
_DOCUMENTS = re.compile(r"(?:^|[\W_])(?:documentation|docs)(?:$|[\W_])", re.IGNORECASE)
_STATUS = re.compile(r"\b(?:status|state|done|fixed|resolved|result|complete[d]?)\b", re.IGNORECASE)
_DONE_CELL = re.compile(
    r"\W*(?:✅|✔|☑|done|fixed|complete[d]?|resolved|closed|implemented|yes|ok|pass(?:ed)?)\b.*"
    r"|\W*[✅✔☑].*",
    re.IGNORECASE | re.DOTALL,
)
_VERSION = re.compile(r"\bunreleased\b|\bv?\d+\.\d+", re.IGNORECASE)
_MOST = 500  # statements; a document with more was made by a program
_SENTENCE = 400  # characters; what is longer is no sum
_RELEASES = 2  # of a changelog: what is older may have been changed since, and honestly
_MINOR = re.compile(r"breaking|files|upgrade", re.IGNORECASE)
_LEAD = re.compile(r"([^:.\n]{1,40}):\s")


def read(document: Document, manner: Manner) -> list[Statement]:
    """What the document says is done, in its order."""
    return list(islice(_Reading(document, manner).statements(), _MOST))


class _Reading:
    def __init__(self, document: Document, manner: Manner) -> None:
        self.blocks = _present(document.blocks) if manner is Manner.CHANGELOG else document.blocks
        self.manner = manner
        tops = [it.text for it in document.blocks if it.kind is Kind.HEADING and it.depth == 1]
        self.title = tops[0] if len(tops) == 1 else None  # the name of it all says nothing

    def statements(self) -> Iterator[Statement]:
        at = 0
        while at < len(self.blocks):
            block = self.blocks[at]
            below = self._below(at)
            found = self._of_section(block, below) or self._of_item(block, below)
            if found:
                yield found
                at += 1 + len(below)
            else:
                yield from self._single(block)
                at += 1

    def _below(self, at: int) -> Sequence[Block]:
        """What belongs to a heading, a label or an item."""
        block = self.blocks[at]
        end = at + 1
        while end < len(self.blocks) and _is_below(self.blocks[end], block):
            end += 1
        return self.blocks[at + 1 : end]

    def _of_section(self, block: Block, below: Sequence[Block]) -> Statement | None:
        """A heading that says what was done; what stands below are its details."""
        if block.kind not in (Kind.HEADING, Kind.LABEL) or not below or block.depth == 1:
            return None
        if self.manner is Manner.INSTRUCTION:
            return None
        around = self._stance(block)
        if around is Stance.OPEN or _is_files(block) or stance.is_open(block.text):
            return None
        found = topics.about(_bare(block.text))
        numbers = _numbers(block.text)
        is_numbered = bool(_NUMBER.match(block.text)) and around is Stance.DONE
        is_said = stance.is_marked(block.text) or (
            stance.says_done(block.text) and self.manner is not Manner.OTHER
        )
        if not (is_numbered or (is_said and found)):
            return None
        if not found and any(self._claims(it) for it in below):
            return None
        return _statement(block, Form.HEADING, found, below, numbers)

    def _of_item(self, block: Block, below: Sequence[Block]) -> Statement | None:
        """An item with what is indented below it."""
        if block.kind is not Kind.ITEM or not self._is_done_item(block):
            return None
        found = topics.about(block.text)
        if not found and any(self._claims(it) for it in below):
            return None
        form = Form.BOX if block.is_ticked else Form.ITEM
        return _statement(block, form, found, below)

    def _claims(self, block: Block) -> bool:
        return (
            block.kind is Kind.ITEM
            and self._is_done_item(block)
            and bool(topics.about(block.text))
            and not _is_files(block)
        )

    def _is_done_item(self, block: Block) -> bool:
        if block.is_ticked is not None:
            return block.is_ticked
        if self.manner is Manner.INSTRUCTION:
            return False
        around = self._stance(block)
        if around is Stance.OPEN or _is_files(block) or stance.is_open(block.text):
            return False
        if self.manner in (Manner.COMMIT, Manner.CHANGELOG):
            is_said = stance.says_done(block.text) or stance.is_imperative(block.text)
            return is_said or around is Stance.DONE
        if stance.is_advice(block.text.lstrip(stance.DONE_MARKS + "\ufe0f ")):
            return False
        if stance.is_marked(block.text):
            return True
        if self.manner is Manner.SUMMARY:
            return around is Stance.DONE or stance.says_done(block.text)
        return around is Stance.DONE and any(stance.is_marked(it) for it in block.section)

    def _single(self, block: Block) -> Iterator[Statement]:
        if self.manner is Manner.INSTRUCTION:
            return
        if block.kind is Kind.ROW:
            if self._stance(block) is not Stance.OPEN and _is_done_row(block):
                yield _statement(block, Form.ROW, topics.about(block.text))
        elif block.kind is Kind.TEXT and self.manner is not Manner.OTHER:
            yield from self._sentences(block)

    def _sentences(self, block: Block) -> Iterator[Statement]:
        if self._stance(block) is Stance.OPEN or _is_open_lead(block.text):
            return
        for sentence, place in block.sentences():
            if stance.is_open(sentence):
                continue
            is_summary = _sums_up(sentence)
            found = topics.about(sentence) if not is_summary else ()
            is_said = stance.says_done(sentence) or (
                self.manner is Manner.COMMIT and stance.is_imperative(sentence)
            )
            if is_summary or (found and is_said):
                form = Form.SUBJECT if is_summary else Form.SENTENCE
                yield Statement(
                    place, sentence, form, block.section, topics=found, is_summary=is_summary
                )

    def _stance(self, block: Block) -> Stance:
        found = stance.section(it for it in block.section if it != self.title)
        if found is Stance.NEUTRAL and self.manner in (Manner.COMMIT, Manner.CHANGELOG):
            return Stance.DONE
        return found


def _is_below(block: Block, above: Block) -> bool:
    if above.kind is Kind.HEADING:
        return not (block.kind is Kind.HEADING and block.depth <= above.depth)
    if above.kind is Kind.LABEL:
        return block.kind not in (Kind.HEADING, Kind.LABEL)
    return above.kind is Kind.ITEM and block.depth > above.depth and block.kind is Kind.ITEM


def _statement(
    block: Block,
    form: Form,
    found: tuple[Topic, ...],
    below: Sequence[Block] = (),
    numbers: tuple[int, ...] = (),
) -> Statement:
    told = [it for it in below if it.kind in (Kind.ITEM, Kind.TEXT, Kind.ROW)]
    return Statement(
        block.place,
        " ".join(block.text.split()),
        form,
        block.section,
        details=tuple(it.text for it in told if not _is_files(it) and _is_detail(it, block)),
        listed=tuple(it.text for it in told if _is_files(it)),
        topics=found,
        numbers=numbers,
        is_summary=not found and _sums_up(block.text),
    )


def _is_detail(block: Block, above: Block) -> bool:
    """Whether a line tells what was done, rather than why, or what is to be done yet."""
    own = block.section[len(above.section) + 1 :]
    return (
        block.is_ticked is not False
        and stance.section(own) is not Stance.OPEN
        and not _is_open_lead(block.text)
    )


def _is_files(block: Block) -> bool:
    """Whether a list only names files, be it in its heading or in the block itself."""
    return bool(block.section and _FILES.match(block.section[-1])) or bool(
        block.kind in (Kind.HEADING, Kind.LABEL) and _FILES.match(block.text)
    )


def _is_open_lead(text: str) -> bool:
    """Whether it begins with a word such as `Risk:`."""
    lead = _LEAD.match(text)
    return bool(lead) and stance.heading(lead[1]) is Stance.OPEN if lead else False


def _is_done_row(block: Block) -> bool:
    """Whether a column that says how it stands says that it is done."""
    said = [cell for head, cell in block.cells if _STATUS.search(head)]
    return bool(said) and all(
        _DONE_CELL.fullmatch(cell) and not stance.is_open(cell) for cell in said
    )


def _sums_up(text: str) -> bool:
    return bool(_SUMMARY.search(text[:_SENTENCE]))


def _bare(text: str) -> str:
    return _NUMBER.sub("", text, count=1)


def _numbers(text: str) -> tuple[int, ...]:
    match = _NUMBER.match(text)
    if match is None or match[1] is None:
        return ()
    first, last = int(match[1]), int(match[2] or match[1])
    return tuple(range(first, last + 1)) if first <= last < first + 20 else (first,)


def _present(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of a changelog's last releases."""
    seen = 0
    kept = []
    level = 0
    for block in blocks:
        if block.kind is Kind.HEADING and _VERSION.search(block.text):
            level = level or block.depth
            seen += block.depth == level
        if seen > _RELEASES:
            break
        kept.append(block)
    return tuple(kept)


def is_about_documents(statement: Statement) -> bool:
    """Whether its section, or all of its document, tells what was written down."""
    stem = statement.place.file.rpartition("/")[2]
    return any(_DOCUMENTS.search(it) for it in (stem, *statement.section[-2:]))
