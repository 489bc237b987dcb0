"""The working copy as last seen: one file that answers whether anything changed since.

It imports next to nothing, because a run in which nothing changed imports nothing else.
"""

from __future__ import annotations

import binascii
import marshal
import os
import sys
import time

TYPE_CHECKING = False  # as `typing` has it, which takes longer to import than all that follows
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

FILE = os.path.join(".summit", "plan")
HIDDEN = "?"  # marks a variable whose value is not to be written down
_MANY = 5_000  # paths; for fewer, a second process takes longer to start than it saves
_SUM = 4  # bytes of a checksum
_LENGTH = 8  # bytes of a length
_MAGIC = b"summit plan 3 " + sys.implementation.cache_tag.encode() + b"\n"


def environment(names: Iterable[str]) -> dict[str, str | None]:
    """The values of these variables; None for one that is not set.

    With `HIDDEN` after its name, a variable that is set is told from one that is not, no more.
    """
    found = {}
    for name in names:
        value = os.environ.get(name.removesuffix(HIDDEN))
        found[name] = "" if value and name.endswith(HIDDEN) else value
    return found


class Look:
    """What `save` wrote, and what is not as it was then.

    `paths` are watched, relative to the root or absolute, with `stats.WIDTH` numbers each.
    `moved` are indices of those whose numbers differ now, in no order, and `seen` is when that was
    looked at, in nanoseconds since the epoch.
    """

    __slots__ = ("_body", "answers", "moved", "numbers", "paths", "seen", "variables")

    def __init__(self, root: str, head: dict[str, Any], body: memoryview) -> None:
        self._body = body
        self.answers: dict[str, str] = head["answers"]
        self.variables: dict[str, str | None] = head["environment"]
        self.paths: list[str] = head["paths"].split("\0")
        self.numbers = memoryview(head["stats"]).cast("q")
        self.seen = time.time_ns()
        here = os.getcwd()
        os.chdir(root)  # a relative path is looked up faster, and needs no root put before it
        try:
            self.moved = _moved(self.paths, self.numbers)
        finally:
            os.chdir(here)

    def answer(self, words: Sequence[str]) -> str | None:
        """What to say to these words; None when anything changed or they were never answered."""
        if self.moved or environment(self.variables) != self.variables:
            return None
        return self.answers.get(" ".join(words))

    def body(self) -> dict[str, Any]:
        """What else was written. Raises `ValueError` when it is damaged."""
        body: dict[str, Any] = _checked(self._body)
        return body


def look(root: str) -> Look | None:
    """Compare the working copy with what was saved; None when nothing usable was."""
    try:
        with open(os.path.join(root, FILE), "rb") as file:
            content = memoryview(file.read())
        start = len(_MAGIC) + _LENGTH
        end = start + int.from_bytes(content[len(_MAGIC) : start], "big")
        if content[: len(_MAGIC)] != _MAGIC:
            return None
        return Look(root, _checked(content[start:end]), content[end:])
    except (OSError, ValueError, EOFError):
        return None


def _checked(part: memoryview) -> Any:
    """What `_sealed` packed. Raises `ValueError` when it is not as it was."""
    if binascii.crc32(part[_SUM:]).to_bytes(_SUM, "big") != part[:_SUM]:
        raise ValueError("it is damaged")
    return marshal.loads(part[_SUM:])  # noqa: S302 - our own


def _sealed(part: dict[str, Any]) -> tuple[bytes, bytes]:
    packed = marshal.dumps(part)
    return binascii.crc32(packed).to_bytes(_SUM, "big"), packed


def _moved(paths: list[str], numbers: memoryview) -> list[int]:
    """Which paths have other numbers, four each; of many, half are asked for in a second process.

    Asking the kernel takes most of the time, and another core has nothing else to do.
    """
    if len(paths) < _MANY:
        return _differing(paths, numbers, 0, len(paths))
    middle = len(paths) // 2
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, marshal.dumps(_differing(paths, numbers, middle, len(paths))))
        finally:  # whatever happens: there must not be two of what called this
            os._exit(0)
    os.close(writer)
    first = _differing(paths, numbers, 0, middle)
    with open(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    second: list[int] = marshal.loads(said)  # noqa: S302 - our own
    return first + second


def _differing(paths: list[str], numbers: memoryview, start: int, end: int) -> list[int]:
    found = []
    expected = iter(numbers[start * 4 : end * 4].tolist())
    lstat, number = os.lstat, start
    for path, mtime, ctime, size, inode in zip(paths[start:end], *[expected] * 4, strict=True):
        try:
            it = lstat(path)
            if (
                it.st_ctime_ns != ctime
                or it.st_mtime_ns != mtime
                or it.st_size != size
                or it.st_ino & 0x7FFF_FFFF_FFFF_FFFF != inode
            ):
                found.append(number)
        except OSError:
            if ctime:  # it was there
                found.append(number)
        number += 1
    return found


def save(
    root: str,
    *,
    watched: Sequence[str],
    numbers: bytes,
    variables: Iterable[str],
    answers: dict[str, str],
    body: dict[str, Any],
) -> None:
    """Remember what was seen and what was said about it, all of it or nothing.

    A reader sees the old file or the new one. It is a cache: where it cannot be written to, the
    next run takes longer.
    """
    head = {
        "paths": "\0".join(watched),
        "stats": numbers,
        "environment": environment(variables),
        "answers": answers,
    }
    checksum, packed = _sealed(head)
    length = (len(checksum) + len(packed)).to_bytes(_LENGTH, "big")
    part = os.path.join(root, f"{FILE}.{os.getpid()}")
    try:
        os.makedirs(os.path.dirname(part), exist_ok=True)
        with open(part, "wb") as file:
            file.writelines((_MAGIC, length, checksum, packed, *_sealed(body)))
        os.replace(part, os.path.join(root, FILE))
    except OSError:
        return
