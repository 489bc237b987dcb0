"""Which records are live: those that a run or a person may still need the blobs of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pipelines.ledger.record import PROVENANCE, Record

# Long enough to come back to a branch and find its evidence with all its outputs.
KEPT = timedelta(days=14)


def live(records: Iterable[Record], *, now: datetime) -> list[Record]:
    """The live ones among all records, which come oldest first.

    Of every step the newest record, the newest that passed and the newest that failed; and of
    every fingerprint the newest record, if it is younger than `KEPT`. What says where a release
    comes from is live for good: an environment may run it, or go back to it. A record that has
    ceased to be live never becomes so again.
    """
    horizon = (now - KEPT).astimezone(UTC).isoformat()
    chosen: dict[tuple[str, object], Record] = {}
    for record in records:
        chosen["step", record.step_id] = record
        chosen["result", (record.step_id, record.passed)] = record
        chosen["fingerprint", record.fingerprint] = record
        if record.kind == PROVENANCE:
            chosen["release", record.fingerprint] = record
    return list(
        {
            record.id: record
            for (kind, _), record in chosen.items()
            # RFC 3339 in one time zone sorts as text.
            if kind != "fingerprint" or record.ended > horizon
        }.values()
    )
