"""The file of records: appended to by many at once, never rewritten."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.checkout.stats import WIDTH, stats
from pipelines.errors import ConfigError, unreadable, unwritable
from pipelines.ledger.blobs import Blobs
from pipelines.ledger.envelope import seal
from pipelines.ledger.index import Index, Place
from pipelines.ledger.keys import Keys
from pipelines.ledger.record import Record, Rejected, digest_of, follows, read, recall, shaped

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".summit/ledger"  # in a repository's root

RECORDS = "records.jsonl"
_INDEX = "index"
_MOST_WARNINGS = 3
_SIZE = 2  # among the `WIDTH` numbers of a path

Stamp = tuple[int, ...]


class Ledger:
    """The records in `folder`, which need not exist before the first is appended.

    What is returned has been verified: its signature, its key's right to attest the step, its
    place in the chain. What does not verify is treated as not there, and `warnings` says so.
    For one thread; other processes may append at the same time.
    """

    def __init__(self, folder: str | Path, keys: Keys) -> None:
        self.folder = os.fspath(folder)
        self.path = f"{self.folder}/{RECORDS}"
        self.keys = keys
        self.blobs = Blobs(f"{self.folder}/blobs")
        self._index: Index | None = None
        self._refused: list[str] = []

    @classmethod
    def at(cls, root: str | Path) -> Ledger:
        """The ledger of a repository, with the keys of whoever runs this."""
        return cls(f"{os.fspath(root)}/{FOLDER}", Keys(root))

    def append(self, statement: dict[str, Any]) -> Record:
        """Sign the statement and add it, with its place in the chain, as the last line.

        Once this returns, the record survives a power cut. Raises `MachineError` when it cannot
        be written (the file is then as it was before), `ConfigError` for what is no statement
        about a step.
        """
        try:
            descriptor = self._open_to_write()
            try:
                index = self._read_up(descriptor)
                # What a killed writer left behind: all of its line but the end.
                if os.fstat(descriptor).st_size > index.end:
                    os.ftruncate(descriptor, index.end)
                record = self._sign(statement, index)
                _write(descriptor, record.line + b"\n", index.end)
                if not index.end:
                    _sync_name(self.folder)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unwritable(f"the ledger {self.path}", error) from error
        index.add(record)
        return record

    def find(self, fingerprint: str) -> Record | None:
        """The newest record on exactly these inputs, whatever its result."""
        return self._newest(self._known().find(fingerprint))

    def latest(self, step_id: str) -> Record | None:
        """The newest record of the step."""
        return self._newest(self._known().latest(step_id))

    def history(self, step_id: str) -> list[Record]:
        """Every record of the step, oldest first."""
        return list(self._fetch(self._known().history(step_id)))

    def records(self) -> Iterator[Record]:
        """Every record, oldest first."""
        return self._fetch(self._known().places())

    def get(self, prefix: str) -> Record:
        """The record with this number, or else the only one whose id begins like this.

        Raises `ConfigError` when there is none, or more than one.
        """
        places = self._known().places()
        found = [it for it in places if str(it.sequence) == prefix]
        found = found or [it for it in places if prefix and it.id.startswith(prefix)]
        if len(found) > 1:
            raise ConfigError(f"{len(found)} records begin with {prefix!r}", hint="give more of it")
        for record in self._fetch(found):
            return record
        hint = "`inv ledger.show` lists what there is"
        raise ConfigError(f"no record {prefix!r} in {self.path}", hint=hint)

    def stamp(self) -> Stamp | None:
        """The records' size, and all `stats` of `watched`; None when there are no records yet.

        As long as it stays the same, so does everything that the ledger would answer.
        """
        numbers = stats(self.watched)
        return (numbers[_SIZE], *numbers) if any(numbers[:WIDTH]) else None

    @property
    def watched(self) -> tuple[str, ...]:
        """The records, and the keys that say which of them count."""
        return (self.path, self.keys.path, *self.keys.keyrings)

    @property
    def end(self) -> int:
        """Up to which byte of the file this ledger knows what is written."""
        return self._index.end if self._index else 0

    def save(self) -> None:
        """Remember for the next run what this one has verified; to be called once, at its end."""
        if self._index is not None:
            self._index.save(f"{self.folder}/{_INDEX}", self.keys)

    @property
    def warnings(self) -> list[str]:
        """What was found in the file and is no evidence, in a few lines for the report."""
        told, rest = self._refused[:_MOST_WARNINGS], len(self._refused) - _MOST_WARNINGS
        more = [f"{rest} more lines of {self.path} are no evidence"] if rest > 0 else []
        return [*told, *more]

    def _known(self) -> Index:
        """The index, up to the last whole line of the file as it is now."""
        if self.stamp() is None:
            return Index()
        with self._open() as file:
            return self._read_up(file.fileno())

    def _read_up(self, descriptor: int) -> Index:
        index = self._index or Index.load(f"{self.folder}/{_INDEX}", self.keys)
        if not index.is_of(descriptor):
            index = Index()
        self._index = index
        size = os.fstat(descriptor).st_size
        if size > index.end:
            self._read_lines(index, _read(descriptor, index.end, size))
        return index

    def _read_lines(self, index: Index, content: bytes) -> None:
        *lines, _unfinished = content.split(b"\n")
        for line in lines:
            try:
                record = read(line, self.keys)
                if not follows(record, index.count, index.head):
                    raise Rejected("it was not written at this place")
                index.add(record)
            except Rejected as reason:
                self._refuse(index.count, str(reason))
                index.skip(len(line), digest_of(line))

    def _newest(self, place: Place | None) -> Record | None:
        return next(self._fetch([place]), None) if place else None

    def _fetch(self, places: Sequence[Place]) -> Iterator[Record]:
        """The records at these places, without those that were altered since they were verified."""
        if not places:
            return
        with self._open() as file:
            for place in places:
                file.seek(place.offset)
                line = file.read(place.length)
                if digest_of(line) == place.id:
                    yield recall(line)
                else:
                    self._refuse(place.sequence, "it was altered after it had been verified")

    def _open(self) -> BinaryIO:
        try:
            return open(self.path, "rb")
        except OSError as error:
            raise unreadable(f"the ledger {self.path}", error) from error

    def _refuse(self, number: int, reason: str) -> None:
        self._refused.append(f"{self.path}: record {number} is no evidence: {reason}")

    def _sign(self, statement: dict[str, Any], index: Index) -> Record:
        predicate = statement["predicate"]
        part = {**predicate["summit"], "sequence": index.count, "previous": index.head}
        whole = {**statement, "predicate": {**predicate, "summit": part}}
        keyid = self.keys.keyid
        try:
            return shaped(seal(whole, keyid, self.keys.sign), keyid, whole)
        except (Rejected, ValueError) as reason:
            raise ConfigError(f"this cannot be recorded: {reason}") from reason

    def _open_to_write(self) -> int:
        """The file, locked: whoever waited looks again whether it is still the same one."""
        os.makedirs(self.folder, exist_ok=True)
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._is_named_still(descriptor):
                return descriptor
            os.close(descriptor)

    def _is_named_still(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(descriptor))
        except FileNotFoundError:
            return False


def _read(descriptor: int, start: int, end: int) -> bytes:
    parts = []
    while start < end and (part := os.pread(descriptor, end - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _write(descriptor: int, line: bytes, end: int) -> None:
    """All of the line or nothing: on a full disk the file is cut back to where it ended."""
    try:
        written = os.write(descriptor, line)
        while written < len(line):  # the next call says why
            written += os.write(descriptor, line[written:])
        os.fdatasync(descriptor)
    except BaseException:
        os.ftruncate(descriptor, end)
        raise


def _sync_name(folder: str) -> None:
    """Let a new file's name survive a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
