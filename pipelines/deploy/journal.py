"""The journal: what a deploy is about to do and what it has done, on disk before and after.

A line of JSON each. A line that a killed writer left unfinished never happened.
"""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipelines.errors import CannotTell, Where, unreadable, unwritable


class Event(enum.Enum):
    """What a line tells of."""

    OPENED = "opened"  # an attempt to get a release to serve
    BEGUN = "begun"  # a step is about to change something
    DONE = "done"
    UNDONE = "undone"
    PAUSED = "paused"  # by what cannot be told yet; the attempt can be taken up
    TURNED = "turned"  # from here on the attempt is taken back
    CLOSED = "closed"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `release` and `before` (empty: none) are ids and stand where it is opened."""

    attempt: str
    token: int  # the fencing counter of whoever wrote it
    event: Event
    at: float  # seconds since the epoch
    kind: str = ""  # deploy or rollback
    step: str = ""
    release: str = ""
    before: str = ""
    by: str = ""
    message: str = ""
    is_good: bool = True  # of the end: the release serves


@dataclass(frozen=True)
class Attempt:
    """What the journal says of one attempt."""

    opened: Entry
    done: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()  # done or not
    turned: str = ""  # why it is being taken back
    paused: str = ""
    closed: Entry | None = None

    @property
    def id(self) -> str:
        return self.opened.attempt


class Journal:
    """The lines in `file`, which need not exist yet. For whoever holds the environment's lock."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, entry: Entry) -> None:
        """Add a line; once this returns it survives a power cut. Raises `MachineError`."""
        line = msgspec.json.encode(entry) + b"\n"
        try:
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                end = _whole(descriptor)
                os.ftruncate(descriptor, end)
                try:
                    _write(descriptor, line)
                except BaseException:
                    os.ftruncate(descriptor, end)
                    raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unwritable(f"the journal {self.file}", error) from error

    def entries(self) -> Iterator[Entry]:
        """Every line, oldest first.

        Raises `CannotTell` for one that is none of ours, `MachineError`.
        """
        try:
            lines = self.file.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return
        except OSError as error:
            raise unreadable(f"the journal {self.file}", error) from error
        for number, line in enumerate(lines, 1):
            try:
                yield msgspec.json.decode(line, type=Entry)
            except ValueError as error:
                raise CannotTell(
                    f"not a line of the journal: {error}",
                    where=Where(self.file, number),
                    hint="put it back as it was, or take the line out",
                ) from error

    def remove(self) -> None:
        """Forget everything. Raises `MachineError`."""
        try:
            self.file.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(f"the journal {self.file}", error) from error

    def last(self) -> Attempt | None:
        """The attempt that was opened last."""
        entries = list(self.entries())
        opened = [at for at, entry in enumerate(entries) if entry.event is Event.OPENED]
        return _folded(entries[opened[-1] :]) if opened else None

    def open_attempt(self) -> Attempt | None:
        """The one that is not closed."""
        last = self.last()
        return last if last and last.closed is None else None


def entry(opened: Entry, token: int, event: Event, **more: object) -> Entry:
    """A further line of the attempt, now."""
    told = {"attempt": opened.attempt, "token": token, "event": event, "at": time.time(), **more}
    return msgspec.convert({**told, "event": event.value}, type=Entry)


def _folded(entries: Sequence[Entry]) -> Attempt:
    done: set[str] = set()
    begun: set[str] = set()
    turned, paused, closed = "", "", None
    for it in entries[1:]:
        paused = ""
        match it.event:
            case Event.BEGUN:
                begun.add(it.step)
            case Event.DONE:
                done.add(it.step)
                begun.add(it.step)
            case Event.UNDONE:
                done.discard(it.step)
                begun.discard(it.step)
            case Event.TURNED:
                turned = it.message
            case Event.PAUSED:
                paused = it.message
            case Event.CLOSED:
                closed = it
    return Attempt(entries[0], frozenset(done), frozenset(begun), turned, paused, closed)


def _whole(descriptor: int) -> int:
    """Where the last whole line ends, in bytes."""
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, size, 0)
    return content.rfind(b"\n") + 1


def _write(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    while written < len(line):  # the next call says why
        written += os.write(descriptor, line[written:])
    os.fsync(descriptor)
