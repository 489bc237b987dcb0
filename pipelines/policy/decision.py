"""A decision: a line for each requirement, and whether the release may go where it wants to."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from pipelines.console import Colour, paint, table
from pipelines.environments import Environment
from pipelines.ledger.record import Record
from pipelines.release import Release

SHORT = 12  # digits of an id that are shown


class Verdict(enum.Enum):
    """What became of a requirement. The set is closed."""

    PASS = "PASS"  # noqa: S105 - no password
    WAIVED = "WAIVED"  # it does not hold, and somebody answers for that until a day
    FAIL = "FAIL"  # the evidence says that it does not hold
    MISSING = "MISSING"  # nobody has looked
    STALE = "STALE"  # somebody looked, too long ago
    WRONG_DIGEST = "WRONG-DIGEST"  # somebody looked at something else
    WRONG_KEY = "WRONG-KEY"  # who signed it has no such role
    UNCONTROLLED = "UNCONTROLLED"  # nothing has shown that the gate can fail at all

    @property
    def is_good(self) -> bool:
        return self in (Verdict.PASS, Verdict.WAIVED)


class Line(NamedTuple):
    """One requirement: what it asks for, its verdict, why, and the command that would mend it."""

    asked: str
    verdict: Verdict
    said: str
    mend: str = ""
    records: tuple[Record, ...] = ()  # the evidence that was looked at


@dataclass(frozen=True)
class Decision:
    """Whether the release may go into the environment; true when it may."""

    environment: Environment
    release: Release
    lines: Sequence[Line]
    unproven: Sequence[str]
    at: datetime

    def __bool__(self) -> bool:
        return all(line.verdict.is_good for line in self.lines)

    @property
    def records(self) -> tuple[Record, ...]:
        """All evidence that took part, each once."""
        found = {record.id: record for line in self.lines for record in line.records}
        return tuple(found.values())

    def json(self) -> str:
        """The decision for a machine, with the ids of the records of each line."""
        lines = [
            {
                "asked": it.asked,
                "verdict": it.verdict.value,
                "said": it.said,
                "mend": it.mend,
                "records": [record.id for record in it.records],
            }
            for it in self.lines
        ]
        said = {
            "environment": self.environment.name,
            "release": self.release.id,
            "allowed": bool(self),
            "lines": lines,
            "unproven": list(self.unproven),
        }
        return msgspec.json.format(msgspec.json.encode(said)).decode()

    def text(self) -> str:
        """The decision as a person reads it."""
        rows = [(_painted(it.verdict), it.asked, it.said) for it in self.lines]
        said = "allowed" if self else "refused"
        whole = [
            table(("verdict", "requirement", "evidence"), rows) if rows else "no requirement",
            f"release {self.release.short} in {self.environment.name}: {said}",
            *(
                f"  {it.asked}: {it.mend}"
                for it in self.lines
                if it.mend and not it.verdict.is_good
            ),
            "not proven:",
            *(f"  {it}" for it in self.unproven),
        ]
        return "\n".join(whole)


def _painted(verdict: Verdict) -> str:
    return paint(verdict.value, Colour.GOOD if verdict.is_good else Colour.BAD)
