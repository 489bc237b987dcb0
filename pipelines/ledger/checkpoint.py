"""One line, to be kept elsewhere, by which a truncated or rebuilt ledger is known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.errors import ConfigError

_WRITTEN = re.compile(r"summit-ledger-checkpoint v1: ([0-9]+) records, head sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Checkpoint:
    """How many records there were, and the id of the last: 64 zeros when there was none."""

    count: int
    head: str

    def __str__(self) -> str:
        return f"summit-ledger-checkpoint v1: {self.count} records, head sha256:{self.head}"


def parse(text: str) -> Checkpoint:
    """Read a checkpoint as it was printed. Raises `ConfigError` for anything else."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ConfigError(
            f"not a checkpoint: {text.strip()[:80]!r}",
            hint="give the line that `inv ledger.checkpoint` printed, or a file with it",
        )
    return Checkpoint(int(match[1]), match[2])
