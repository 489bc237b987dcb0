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
    from typing import Any, BinaryIO

    Place = tuple[str, tuple[int, int], int]  # of the body: path, identity, where it begins

FILE = os.path.join(".summit", "plan")
HIDDEN = "?"  # marks a variable whose value is not to be written down
_MANY = 1_500  # paths; for fewer, a second process takes longer to start than it saves
_SUM = 4  # bytes of a checksum
_LENGTH = 8  # bytes of a length
_MAGIC = b"summit plan 4 " + sys.implementation.cache_tag.encode() + b"\n"


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

    __slots__ = ("_names", "_place", "answers", "moved", "numbers", "seen", "variables")

    def __init__(self, root: str, head: dict[str, Any], place: Place) -> None:
        self._place = place
        self.answers: dict[str, str] = head["answers"]
        self.variables: dict[str, str | None] = head["environment"]
        self._names: tuple[bytes, bytes] = head["names"]
        self.numbers = memoryview(head["stats"]).cast("q")
        self.seen = time.time_ns()
        here = os.getcwd()
        os.chdir(root)  # a relative path is looked up faster, and needs no root put before it
        try:
            self.moved = _moved(self._names, self.numbers)
        finally:
            os.chdir(here)

    def answer(self, words: Sequence[str]) -> str | None:
        """What to say to these words; None when anything changed or they were never answered."""
        if self.moved or environment(self.variables) != self.variables:
            return None
        return self.answers.get(" ".join(words))

    @property
    def paths(self) -> list[str]:
        """What is watched."""
        return [os.fsdecode(name) for half in self._names for name in _split(half)]

    def body(self) -> dict[str, Any]:
        """What else was written.

        Raises `OSError` or `ValueError` when it cannot be read: it is damaged, or another run has
        replaced it meanwhile.
        """
        path, identity, start = self._place
        with open(path, "rb") as file:
            if _identity(file) != identity:
                raise ValueError("it is not what was looked at")
            file.seek(start)
            body: dict[str, Any] = _checked(file.read())
        return body


def look(root: str) -> Look | None:
    """Compare the working copy with what was saved; None when nothing usable was."""
    try:
        with open(os.path.join(root, FILE), "rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return None
            length = int.from_bytes(file.read(_LENGTH), "big")
            # No more than there is: the length may be what is damaged.
            head = _checked(file.read(min(length, os.fstat(file.fileno()).st_size)))
            place = (os.path.abspath(file.name), _identity(file), file.tell())
        return Look(root, head, place)
    except (OSError, ValueError, EOFError):
        return None


def _identity(file: BinaryIO) -> tuple[int, int]:
    """What tells the file from the one that another run puts in its place."""
    it = os.fstat(file.fileno())
    return (it.st_ino, it.st_ctime_ns)


def _checked(packed: bytes) -> Any:
    """What `_sealed` packed. Raises `ValueError` when it is not as it was."""
    part = memoryview(packed)
    if binascii.crc32(part[_SUM:]).to_bytes(_SUM, "big") != part[:_SUM]:
        raise ValueError("it is damaged")
    return marshal.loads(part[_SUM:])  # noqa: S302 - our own


def _sealed(part: dict[str, Any]) -> tuple[bytes, bytes]:
    packed = marshal.dumps(part)
    return binascii.crc32(packed).to_bytes(_SUM, "big"), packed


def _joined(paths: Sequence[str]) -> bytes:
    return b"\0".join(map(os.fsencode, paths))


def _split(names: bytes) -> list[bytes]:
    return names.split(b"\0") if names else []


def _moved(names: tuple[bytes, bytes], numbers: memoryview) -> list[int]:
    """Which paths, named in two halves, have other numbers, four each.

    Asking the kernel takes most of the time, and another core has nothing else to do: of many
    paths, the second half is asked for in a second process.
    """
    first, second = names
    middle = len(numbers) // 4 // 2
    if len(numbers) // 4 < _MANY:
        return _differing(first, numbers, 0) + _differing(second, numbers, middle)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, marshal.dumps(_differing(second, numbers, middle)))
        finally:  # whatever happens: there must not be two of what called this
            os._exit(0)
    os.close(writer)
    found = _differing(first, numbers, 0)
    with open(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    more: list[int] = marshal.loads(said)  # noqa: S302 - our own
    return found + more


def _differing(names: bytes, numbers: memoryview, start: int) -> list[int]:
    """Those of these paths that differ; `start` is the index of the first among all."""
    found = []
    paths = _split(names)
    expected = iter(numbers[start * 4 : (start + len(paths)) * 4].tolist())
    lstat, number = os.lstat, start
    for path, mtime, ctime, size, inode in zip(paths, *[expected] * 4, strict=True):
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
    middle = len(watched) // 2
    head = {
        "names": (_joined(watched[:middle]), _joined(watched[middle:])),
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
