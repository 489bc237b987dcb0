"""A repository's ledger with a key of its own, filled with results that nobody had to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.ledger import Keys, Ledger, Record
from pipelines.ledger.checkpoint import Checkpoint
from pipelines.ledger.statement import Circumstances, here, statement
from pipelines.ledger.verify import Verification, verify
from pipelines.planning.fingerprint import Fingerprint
from pipelines.step import Result, Status, Step

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
AROUND = Circumstances("4b825dc642cb6eb9a060e54bf8d69288fbee4904", "discovered", here({}))


@dataclass(frozen=True)
class Sample:
    """`folder` is the repository's root; the keys stand beside the ledger."""

    folder: Path
    whose: str = "keys"

    @property
    def keys(self) -> Keys:
        return Keys(self.folder, folder=self.folder / self.whose)

    @property
    def ledger(self) -> Ledger:
        """As a new process would see it."""
        return Ledger(self.folder / "ledger", self.keys)

    @property
    def file(self) -> Path:
        return self.folder / "ledger" / "records.jsonl"

    @property
    def lines(self) -> list[bytes]:
        return self.file.read_bytes().splitlines()

    def write(self, *lines: bytes) -> None:
        """Replace the records' file."""
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(b"".join(line + b"\n" for line in lines))

    def add(self, step: str = "test:kit", inputs: str = "as they are", **result: Any) -> Record:
        """Record a result of the step on these inputs; more fields of `Result` may be given."""
        ledger = self.ledger
        ledger.blobs.put(fingerprint(step, inputs).document())
        return ledger.append(claim(step, inputs, **result))

    def verify(self, checkpoint: Checkpoint | None = None) -> Verification:
        return verify(self.ledger, now=NOON, checkpoint=checkpoint)

    def faults(self, checkpoint: Checkpoint | None = None) -> list[str]:
        return [str(fault) for fault in self.verify(checkpoint).faults]


def fingerprint(step: str, inputs: str) -> Fingerprint:
    name, component = step.split(":")
    return Fingerprint(
        step=name,
        component=component,
        argv=("pytest",),
        cwd="",
        files={"a.py": inputs},
        locks={},
        env={},
        secrets={},
        tools={"pytest": "9.2.0"},
        upstream={},
        services={},
        outputs=(),
    )


def claim(
    step: str = "test:kit",
    inputs: str = "as they are",
    *,
    status: Status = Status.PASSED,
    ended: datetime = NOON,
    outputs: Mapping[str, str] | None = None,
    log: str = "",
    **result: Any,
) -> dict[str, Any]:
    """What a step's end is recorded with."""
    name, component = step.split(":")
    ran = Result(
        Step(name, component, ("pytest",)), status, log=log, outputs=outputs or {}, **result
    )
    return statement(
        ran,
        fingerprint(step, inputs),
        AROUND,
        argv=("pytest",),
        gate="0" * 64,
        started=ended.timestamp(),
    )
