"""The only place that prints: results to stdout, progress to stderr, colour where it is seen."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import NoReturn, TextIO

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_RESET = "\x1b[0m"


class Colour(StrEnum):
    """What a colour says, not what it looks like: good, bad, worth a look, less important."""

    GOOD = "\x1b[32m"
    BAD = "\x1b[31m"
    WARN = "\x1b[33m"
    DIM = "\x1b[2m"


def result(text: str) -> None:
    """Print what was asked for to stdout."""
    _write(sys.stdout, text)


def progress(text: str) -> None:
    """Print what is going on to stderr, so that `| jq` sees results only."""
    _write(sys.stderr, text)


def command(argv: Sequence[str]) -> None:
    """Print a command that is about to run, ready to paste."""
    progress(paint(f"+ {shlex.join(argv)}", Colour.DIM, stream=sys.stderr))


def relay(chunk: bytes) -> None:
    """Pass on what a program says to stderr, as it comes: not in lines, perhaps not whole words."""
    try:
        sys.stderr.flush()
        sys.stderr.buffer.write(chunk)
        sys.stderr.buffer.flush()
    except BrokenPipeError:
        _nobody_reads(sys.stderr)


def fold(title: str, text: str) -> None:
    """Keep something long for who reads the log later: folded in GitHub Actions only."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        progress(f"::group::{title}\n{text}\n::endgroup::")


def paint(text: str, colour: Colour, *, stream: TextIO | None = None) -> str:
    """Return `text` coloured, or as it is when nobody watches `stream` (stdout unless given)."""
    return f"{colour}{text}{_RESET}" if is_coloured(stream or sys.stdout) else text


def is_coloured(stream: TextIO) -> bool:
    """Whether colour is welcome: NO_COLOR and FORCE_COLOR decide, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def plain(text: str) -> str:
    """The text without colour, for a file."""
    return _ESCAPE.sub("", text)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under headers in columns two spaces apart; colour does not count as width.

    >>> print(table(["service", "state"], [["fusion", "healthy"], ["fabric", "starting"]]))
    service  state
    fusion   healthy
    fabric   starting
    """
    lines = [headers, *rows]
    widths = [max(_width(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def _width(cell: str) -> int:
    return len(plain(cell))


def _write(stream: TextIO, text: str) -> None:
    try:
        print(_spoken(text, stream), file=stream, flush=True)
    except BrokenPipeError:
        _nobody_reads(stream)


def _spoken(text: str, stream: TextIO) -> str:
    """The text; where the stream's encoding lacks a character, it is an escape."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, errors="backslashreplace").decode(encoding)
    return text


def _nobody_reads(stream: TextIO) -> NoReturn:
    # The reader (`inv logs | head`) has seen enough. Python would complain once more at exit, when
    # it flushes the stream, unless the stream leads somewhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise SystemExit(141) from None  # what a shell reports for SIGPIPE
