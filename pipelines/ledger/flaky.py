"""Steps that both passed and failed on one fingerprint: nothing changed but the result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.ledger.record import Record


@dataclass(frozen=True)
class Flaky:
    """One fingerprint of a step, with the records of either result, oldest first."""

    step: str
    fingerprint: str
    passed: tuple[Record, ...]
    failed: tuple[Record, ...]


def flaky(records: Iterable[Record]) -> list[Flaky]:
    """Every fingerprint with both results, those that failed most often first."""
    by_fingerprint: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_fingerprint[record.fingerprint].append(record)
    found = (
        Flaky(
            step=same[0].step_id,
            fingerprint=fingerprint,
            passed=tuple(it for it in same if it.passed),
            failed=tuple(it for it in same if not it.passed),
        )
        for fingerprint, same in by_fingerprint.items()
    )
    both = (it for it in found if it.passed and it.failed)
    return sorted(both, key=lambda it: (-len(it.failed), it.step))
