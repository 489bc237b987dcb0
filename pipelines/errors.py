"""Expected failures: one line for a person, an exit code for a machine.

| exit code | meaning |
| --- | --- |
| 0 | everything asked for holds |
| 1 | a gate failed, a service is not healthy, a release was taken back, the audit found something |
| 2 | what was typed or configured is wrong |
| 3 | a policy refuses it: the evidence is there and does not suffice |
| 4 | it cannot be told: the evidence is damaged, or there was too little to judge by |
| 5 | the machine lacks something: a program, space, a writable folder, a package index |
| 130 | interrupted |
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

FREE_SOME = "free some space, for example with `inv ledger.gc`"
_OTHERS = "it is another user's: run this as that one, or have it given to you"
_MENDS = {
    errno.ENOSPC: FREE_SOME,
    errno.EDQUOT: FREE_SOME,
    errno.EROFS: "have its disk mounted for writing",
    errno.EACCES: _OTHERS,
    errno.EPERM: _OTHERS,
    errno.EIO: "its disk fails: the kernel's log says how",
}


class Where(NamedTuple):
    """A place in a file; `line` counts from 1."""

    file: Path
    line: int | None = None

    def __str__(self) -> str:
        return str(self.file) if self.line is None else f"{self.file}:{self.line}"


class SummitError(Exception):
    """An expected failure, printed as one line without a traceback.

    `where` is put before the message, `hint` (how to mend it) after it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: Where | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f"; {self.hint}" if self.hint else ""
        return f"{place}{self.message}{mend}"


class ConfigError(SummitError):
    """What was typed or written in a configuration file is wrong."""

    exit_code: ClassVar[int] = 2


class PolicyError(SummitError):
    """What was asked for is possible and not allowed."""

    exit_code: ClassVar[int] = 3


class CannotTell(SummitError):
    """Neither so nor otherwise: what it takes to judge is not there."""

    exit_code: ClassVar[int] = 4


class MachineError(SummitError):
    """The machine lacks something the command needs."""

    exit_code: ClassVar[int] = 5


def mend(error: OSError) -> str:
    """How to mend a disk that does not take or give something; empty for any other error."""
    return _MENDS.get(error.errno or 0, "")


def unwritable(path: str | Path, error: OSError) -> MachineError:
    """What to say of something that could not be kept, and how to mend it."""
    return MachineError(f"cannot write {path}: {error.strerror}", hint=mend(error))


def unreadable(path: str | Path, error: OSError) -> MachineError:
    """What to say of something that is there and cannot be read."""
    return MachineError(f"cannot read {path}: {error.strerror}", hint=mend(error))
