"""Findings: one place where a rule does not hold, and what a rule yields to make one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from pipelines.audit.place import Place


class Severity(IntEnum):
    """How much a finding stands in the way of a launch."""

    NOTE = 0  # advice
    LOW = 1  # worth mending
    MEDIUM = 2  # will hurt in operation
    HIGH = 3  # breaks the launch, or opens the door

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(IntEnum):
    """How sure a rule is of what it says."""

    UNKNOWN = 0  # it cannot be told from the repository: an open question, not a finding
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Also(NamedTuple):
    """The second place of a join, and what it has to do with the first."""

    place: Place
    message: str
    evidence: str = ""  # the line itself; the audit fills it in


@dataclass(frozen=True)
class Fault:
    """What a rule yields.

    `severity` and `confidence` are the rule's own where they are not given.
    """

    place: Place
    message: str
    remedy: str
    also: tuple[Also, ...] = ()
    service: str = ""
    severity: Severity | None = None
    confidence: Confidence | None = None


@dataclass(frozen=True)
class Finding:
    """One place where a rule does not hold; `message` is one sentence without its last stop.

    `fingerprint` stays the same when the lines above it change.
    """

    rule: str
    name: str
    severity: Severity
    confidence: Confidence
    place: Place
    message: str
    remedy: str
    evidence: str = ""
    also: tuple[Also, ...] = ()
    service: str = ""
    fingerprint: str = ""
    suppressed: str = ""  # the reason somebody gave for leaving it
    is_known: bool = False  # the baseline has it too

    @property
    def is_open(self) -> bool:
        """Whether it is a question that the repository does not answer."""
        return self.confidence is Confidence.UNKNOWN

    @property
    def counts(self) -> bool:
        """Whether it is for certain, and nobody has said that it may stay."""
        return not (self.is_open or self.suppressed or self.is_known)

    def with_reason(self, reason: str) -> Finding:
        """The same, suppressed for that reason."""
        return replace(self, suppressed=reason)


class Unread(NamedTuple):
    """A file, or a part of one, that could not be understood, and why."""

    place: Place
    reason: str
