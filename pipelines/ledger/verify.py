"""The whole ledger, checked from the first record to the last."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.errors import MachineError
from pipelines.ledger.checkpoint import Checkpoint
from pipelines.ledger.live import live
from pipelines.ledger.record import NOTHING, Record, Rejected, digest_of, read, recall
from pipelines.ledger.store import Ledger

_SHORT = 12  # digits of an id that are shown
_GONE, _DAMAGED = "gone", "damaged"


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place; `number` counts from 0, as sequence numbers do."""

    number: int
    step: str
    id: str
    reason: str

    def __str__(self) -> str:
        return f"record {self.number} ({self.step}, {self.id[:_SHORT]}): {self.reason}"


@dataclass(frozen=True)
class Verification:
    """What a check of the whole ledger found; true when nothing is wrong.

    `signers` counts the good records by keyid, `collected` the superseded ones of which a blob was
    removed, `unfinished` the bytes after the last whole line, `head` is the id of the last line.
    """

    count: int
    head: str
    faults: Sequence[Fault]
    signers: Mapping[str, int]
    collected: int
    unfinished: int

    def __bool__(self) -> bool:
        return not self.faults

    @property
    def checkpoint(self) -> Checkpoint:
        """What to keep elsewhere so that the loss of any of these records will show."""
        return Checkpoint(self.count, self.head)


def verify(ledger: Ledger, *, now: datetime, checkpoint: Checkpoint | None = None) -> Verification:
    """Check every record, the chain, and every blob that is there.

    Without a checkpoint, records missing at the end and a ledger that was made anew by a holder
    of the key cannot be told from a shorter history.
    """
    *lines, unfinished = _content(Path(ledger.path)).split(b"\n")
    chain = _Chain(ledger)
    for line in lines:
        chain.add(line)
    lost = dict(_losses(chain.records, ledger))
    needed = {record.id for record in live(chain.records, now=now)}
    faults = [
        *chain.faults,
        *(
            _fault(record, f"its blob {digest[:_SHORT]} is {state}")
            for record in chain.records
            for digest, state in lost.get(record.id, ())
            if record.id in needed or state == _DAMAGED
        ),
        *_against(checkpoint, lines),
    ]
    return Verification(
        count=len(lines),
        head=digest_of(lines[-1]) if lines else NOTHING,
        faults=faults,
        signers=Counter(record.keyid for record in chain.records),
        collected=len(lost.keys() - needed),
        unfinished=len(unfinished),
    )


class _Chain:
    """The lines seen so far, the records among them, and where a line does not fit."""

    def __init__(self, ledger: Ledger) -> None:
        self.records: list[Record] = []
        self.faults: list[Fault] = []
        self._keys = ledger.keys
        self._count = 0
        self._sequence = 0  # of the record that should come next
        self._head = NOTHING  # id of the one it should have been written after
        self._is_sound = True  # whether that one could be read

    def add(self, line: bytes) -> None:
        number, self._count = self._count, self._count + 1
        try:
            record = read(line, self._keys)
        except Rejected as reason:
            self.faults.append(Fault(number, _step_in(line), digest_of(line), str(reason)))
            self._sequence, self._head, self._is_sound = self._sequence + 1, "", False
            return
        self.records.append(record)
        if misfit := self._misfit(record):
            self.faults.append(Fault(number, record.step_id, record.id, misfit))
        # After a record from further back, what should come next is what should have come now.
        if record.sequence >= self._sequence:
            self._sequence, self._head, self._is_sound = record.sequence + 1, record.id, True

    def _misfit(self, record: Record) -> str:
        if record.sequence < self._sequence:
            return f"written as record {record.sequence}: a copy, or moved here"
        if record.sequence > self._sequence:
            missing = record.sequence - self._sequence
            return f"written as record {record.sequence}: {missing} before it missing"
        if self._is_sound and record.previous != self._head:
            return "not written after the record that stands before it"
        return ""


def _losses(
    records: Iterable[Record], ledger: Ledger
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """By record id: which of its blobs are gone or damaged."""
    states: dict[str, str] = {}
    for record in records:
        for digest in record.blobs:
            if digest not in states:
                states[digest] = _state(digest, ledger)
        if lost := [(digest, states[digest]) for digest in record.blobs if states[digest]]:
            yield record.id, sorted(lost)


def _state(digest: str, ledger: Ledger) -> str:
    if not ledger.blobs.holds(digest):
        return _GONE
    return "" if ledger.blobs.is_whole(digest) else _DAMAGED


def _fault(record: Record, reason: str) -> Fault:
    return Fault(record.sequence, record.step_id, record.id, reason)


def _against(checkpoint: Checkpoint | None, lines: Sequence[bytes]) -> Iterator[Fault]:
    if checkpoint is None or not checkpoint.count:
        return
    number = checkpoint.count - 1
    if len(lines) < checkpoint.count:
        reason = f"the checkpoint knows {checkpoint.count} records, and {len(lines)} are left"
        yield Fault(number, "?", checkpoint.head, reason)
    elif digest_of(lines[number]) != checkpoint.head:
        reason = f"not the record that the checkpoint knows, {checkpoint.head[:_SHORT]}"
        yield Fault(number, _step_in(lines[number]), digest_of(lines[number]), reason)


def _step_in(line: bytes) -> str:
    """Which step a line that is no evidence says it is about, if that can be read."""
    try:
        return recall(line).step_id
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "?"


def _content(path: Path) -> bytes:
    """The whole file, while nobody is in the middle of writing to it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise MachineError(f"cannot read the ledger {path}: {error.strerror}") from error
