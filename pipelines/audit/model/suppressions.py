"""`summit: ignore RULE -- reason`: comments that let a finding stay, and what they let stay."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.audit.model import markdown
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_WORDS = "summit: ignore"
_OPEN = r"(?P<open>\#|//|/\*|<!--|;)"
_IDS = r"\w[\w-]*(?:\s*,\s*\w[\w-]*)*"
_MARK = re.compile(
    rf"{_OPEN}\s*summit:\ ignore\b\s*(?P<rules>{_IDS})?(?:\s*--(?:\s+(?P<reason>.*))?)?",
    re.VERBOSE,
)
_END = re.compile(r"\s*(\*/|-->)\s*$")
_LONGEST = 2_000  # characters of a line; nobody writes a comment behind that


class Mark(NamedTuple):
    """One comment: which rules (their ids), why, and the places for which it counts."""

    place: Place
    rules: tuple[str, ...]
    reason: str
    places: tuple[Place, ...]


def read(tracked: Tracked) -> tuple[Mark, ...]:
    """Every such comment, by file and line, in what is deployed and in Markdown."""
    found: list[Mark] = []
    for path in tracked.paths:
        if role(path) in (Role.TEST, Role.VENDORED):
            continue
        if _WORDS.encode() in (tracked.bytes(path) or b""):
            found += _marks(path, tracked.text(path) or "")
    return tuple(found)


def _marks(path: str, text: str) -> Iterator[Mark]:
    lines = text.split("\n")
    ends: dict[str, int] = {}  # where comments that begin so end, as far as that was looked at
    for number in sorted(_commented(path, text, lines)):
        line = lines[number - 1][:_LONGEST]
        match = next(filter(lambda it: _is_open(line, it.start()), _MARK.finditer(line)), None)
        if match is None:
            continue
        rules = tuple(it.strip().upper() for it in (match["rules"] or "").split(",") if it)
        reason = _END.sub("", match["reason"] or "").strip()
        places = tuple(Place(path, at) for at in sorted(_counts_for(lines, number, match, ends)))
        yield Mark(Place(path, number), rules, reason, places)


def _commented(path: str, text: str, lines: list[str]) -> set[int]:
    """The lines on which a comment can be one: elsewhere the words are only spoken of."""
    if path.endswith(".py"):
        return _python(text)
    if path.endswith((".md", ".mdx", ".markdown")):
        return markdown.html_lines(text)  # in a fence they are an example
    if role(path) is Role.DOCUMENT:
        return set()
    return {at for at, line in enumerate(lines, 1) if _WORDS in line}


def _python(text: str) -> set[int]:
    found = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found.add(token.start[0])
    except (tokenize.TokenError, SyntaxError):
        pass  # what came before is read
    return found


def _is_open(line: str, at: int) -> bool:
    """Whether a comment can begin there: not within a string, nor within a word."""
    quote = ""
    skipped = False
    for character in line[:at]:
        if skipped:
            skipped = False
        elif character == "\\":
            skipped = True
        elif character == quote:
            quote = ""
        elif not quote and character in "\"'`":
            quote = character
    return not quote and (at == 0 or line[at - 1].isspace())


def _counts_for(
    lines: list[str], number: int, mark: re.Match[str], ends: dict[str, int]
) -> set[int]:
    """The comment's own line; when nothing else stands on it, also the next that is no comment."""
    at = number
    if not lines[number - 1][: mark.start()].strip():
        at = max(at, ends.get(mark["open"], 0))
        while at <= len(lines) and lines[at - 1].lstrip().startswith(mark["open"]):
            at += 1
        ends[mark["open"]] = at
    return {number, at}
