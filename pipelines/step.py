"""A step: one command with a name, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Step:
    """One command, run from the repository's root; `env` is its whole environment when given."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] | None = field(default=None, repr=False)  # may carry secrets


class Status(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """A step that has ended, with what it said; true when it passed."""

    step: Step
    status: Status
    output: str = ""
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.status is Status.PASSED
