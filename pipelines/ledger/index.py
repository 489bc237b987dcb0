"""What is known of a ledger's lines, so that a run need not read and verify them all again."""

from __future__ import annotations

import marshal
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pipelines.checkout.stats import stats
from pipelines.ledger.record import NOTHING, Record, digest_of

if TYPE_CHECKING:
    from pipelines.ledger.keys import Keys

_FORMAT = 2
_DIGEST = 32  # bytes


class Place(NamedTuple):
    """Where a verified line stands: `offset` and `length` in bytes, without the newline."""

    offset: int
    length: int
    id: str
    sequence: int


class Index:
    """The verified lines, by fingerprint and by step, and how far the file has been read.

    A line that did not verify is counted, as it has its place in the chain, and is in no table.
    """

    def __init__(self) -> None:
        self.end = 0  # bytes read, whole lines only
        self.count = 0  # lines read
        self.head = NOTHING  # id of the last line
        self._last = 0  # where that line begins
        self._places: list[tuple[int, int, str, int]] = []
        self._by_fingerprint: dict[str, int] = {}
        self._by_step: dict[str, list[int]] = {}

    def skip(self, length: int, digest: str) -> None:
        """Count a line of `length` bytes, without its newline."""
        self._last, self.end = self.end, self.end + length + 1
        self.count += 1
        self.head = digest

    def add(self, record: Record) -> None:
        """Count the record's line, the next of the file, and remember where it is."""
        known = len(self._places)
        self._places.append((self.end, len(record.line), record.id, record.sequence))
        self._by_fingerprint[record.fingerprint] = known
        self._by_step.setdefault(record.step_id, []).append(known)
        self.skip(len(record.line), record.id)

    def find(self, fingerprint: str) -> Place | None:
        """The newest line about the fingerprint."""
        known = self._by_fingerprint.get(fingerprint)
        return None if known is None else Place(*self._places[known])

    def latest(self, step_id: str) -> Place | None:
        """The newest line about the step."""
        known = self._by_step.get(step_id)
        return Place(*self._places[known[-1]]) if known else None

    def history(self, step_id: str) -> list[Place]:
        """Every line about the step, oldest first."""
        return [Place(*self._places[known]) for known in self._by_step.get(step_id, ())]

    def places(self) -> list[Place]:
        """Every line, oldest first."""
        return [Place(*place) for place in self._places]

    def is_of(self, descriptor: int) -> bool:
        """Whether the open file still begins with what was read of it, as far as can be seen.

        The last line read answers for those before it: it names them by the chain.
        """
        if not self.count:
            return True
        length = self.end - self._last
        line = os.pread(descriptor, length, self._last)
        return line.endswith(b"\n") and digest_of(line[:-1]) == self.head

    def save(self, path: str, keys: Keys) -> None:
        """Write it for the next run; nothing happens where that cannot be done.

        It is a cache, so it is not synced. A keyed digest goes in front: whoever brings along a
        forged index to smuggle in records lacks the key.
        """
        content = marshal.dumps((_FORMAT, stats(keys.keyrings).tobytes(), vars(self)))
        seal = keys.seal(content)
        if seal is None:
            return
        temporary = f"{path}.{os.getpid()}"
        try:
            with open(temporary, "wb") as file:
                file.write(seal + content)
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)

    @classmethod
    def load(cls, path: str, keys: Keys) -> Index:
        """The index as it was saved; an empty one when there is none that can be believed."""
        made = cls()
        try:
            with open(path, "rb") as file:
                sealed = file.read()
        except OSError:
            return made
        content = sealed[_DIGEST:]
        if sealed[:_DIGEST] != keys.seal(content):
            return made
        form, keyrings, fields = marshal.loads(content)  # noqa: S302 - our own
        # What another key may attest can have changed with its keyring.
        if (form, keyrings) == (_FORMAT, stats(keys.keyrings).tobytes()):
            vars(made).update(fields)
        return made
