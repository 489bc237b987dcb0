"""Patterns for paths, as Git ignores by and Docker copies by; bounded, as a repository brings them.

A regular expression of many stars can be matched against one long name in more ways than there is
time for. Nobody writes such a pattern, so one that has them matches nothing here.
"""

from __future__ import annotations

import re
import warnings
from functools import cache

from pathspec import Pattern
from pathspec.patterns.gitignore.basic import GitIgnoreBasicPattern

_MOST_STARS = 3  # in one part of a path
_MOST_FOLDERS = 4  # `**` in a whole pattern
_LONGEST = 1_000  # characters


def ignored_by(line: str) -> Pattern | None:
    """A line of an ignore file; None for what is no pattern, which ignores nothing."""
    if not _is_cheap(line):
        return None
    try:
        with warnings.catch_warnings():  # of what a later Python may read as a set of characters
            warnings.simplefilter("ignore")
            return GitIgnoreBasicPattern(line)
    except (ValueError, re.error):
        return None


@cache
def go(pattern: str) -> re.Pattern[str] | None:
    """A pattern of Go: `*` stays within a folder; a folder that it names is whole.

    None for what is no pattern, such as a class `[z-a]`: the engine refuses it too.
    """
    if not _is_cheap(pattern):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(_expression(pattern))
    except re.error:
        return None


def _is_cheap(pattern: str) -> bool:
    parts = pattern.split("/")
    folders = sum(part == "**" for part in parts)
    stars = max(part.count("*") for part in parts)
    return len(pattern) <= _LONGEST and folders <= _MOST_FOLDERS and stars <= _MOST_STARS


def _expression(pattern: str) -> str:
    parts = []
    for part in re.split(r"(\*\*/|\*+|\?)", pattern):
        if part == "**/":
            parts.append("(?:.*/)?")
        elif part.startswith("*"):
            parts.append("[^/]*")
        else:
            parts.append("[^/]" if part == "?" else _class(part))
    return "".join(parts) + r"(?:/|\Z)"


def _class(text: str) -> str:
    """A literal part of a pattern, `[abc]` kept as the class that it is."""
    pieces = re.split(r"(\[[^\]\\]+\])", text)
    return "".join(
        piece.replace("\\", "") if piece.startswith("[") and piece.endswith("]") and len(piece) > 2
        else re.escape(piece)
        for piece in pieces
    )  # fmt: skip
