"""A step: one command on one component, what it depends on, and how it ended.

Named tuples and not dataclasses, here and wherever a run passes by: `dataclasses` alone takes
longer to import than a run in which nothing changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class Step(NamedTuple):
    """One command, with everything declared that could change its result.

    Paths are POSIX and relative to the repository's root; `inputs`, `outputs` and `locks` are
    gitignore-style patterns anchored there, `!` excludes. `argv` may hold `{junit}`, which becomes
    the file that the command is to write its JUnit report to. `needs` are ids of other steps.
    `template` is `argv` with every placeholder still in it: what the step is in any component.
    """

    name: str
    component: str
    argv: tuple[str, ...]
    cwd: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    timeout: float = 600.0  # seconds
    retries: int = 0
    controls: tuple[str, ...] = ()
    template: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What a person types after `inv why`: `lint:fabric`."""
        return f"{self.name}:{self.component}"


class Tool(NamedTuple):
    """How a tool says its version.

    Where an optional one cannot, its steps are not run. It is asked again when its program, one of
    the files it `follows` or a variable in `env` is another.
    """

    command: tuple[str, ...]
    is_optional: bool = False
    follows: tuple[str, ...] = ()
    env: tuple[str, ...] = ()


class Status(Enum):
    """How a step ended."""

    PASSED = "passed"
    HELD = "from ledger"  # its evidence still holds, so it was not run
    FAILED = "failed"
    SKIPPED = "skipped"  # something it needs did not pass
    NOT_RUN = "not run"  # this machine lacks an optional tool, or what it needs was not run

    @property
    def is_good(self) -> bool:
        """Whether what needs this step may go on."""
        return self in (Status.PASSED, Status.HELD)


class Counts(NamedTuple):
    """Tests by how they ended; a skipped test was not run."""

    run: int
    passed: int
    failed: int
    skipped: int


class Result(NamedTuple):
    """A step that has ended; true when what needs it may go on."""

    step: Step
    status: Status
    fingerprint: str = ""
    exit_code: int | None = None
    seconds: float = 0.0  # of the run that the evidence is about
    log: str = ""  # sha256 of the masked output, a blob of the ledger
    counts: Counts | None = None
    failed_tests: tuple[str, ...] = ()
    message: str = ""  # why it failed or was not run, in one line
    attempt: int = 1
    record: str = ""  # id of the ledger's record
    is_controlled: bool = True  # whether a control has shown that this gate can fail
    outputs: Mapping[str, str] = {}  # path: octal mode, a space, SHA-256

    def __bool__(self) -> bool:
        return self.status.is_good
