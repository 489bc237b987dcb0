"""The ledger's records as the verifier asks for them, read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.controls.planted import STEP as CONTROL, Half
from pipelines.errors import CannotTell, SummitError
from pipelines.ledger import Ledger
from pipelines.ledger.keyring import Grant
from pipelines.ledger.record import Record

DEVELOPER = "developer"  # the role of a key of which no keyring says another


@dataclass(frozen=True)
class Evidence:
    """Every record by its step, oldest first, and what the keyrings say of who signed them."""

    by_step: Mapping[str, list[Record]]
    grants: tuple[Grant, ...] = ()
    shared: Path | None = None  # the keyring that is reviewed: nobody gives themselves a role

    @classmethod
    def of(cls, ledger: Ledger) -> Evidence:
        """All that verifies. Raises `CannotTell` for a damaged ledger or an unreadable keyring."""
        by_step: dict[str, list[Record]] = defaultdict(list)
        try:
            for record in ledger.records():
                by_step[record.step_id].append(record)
            grants = ledger.keys.keyring.grants
        except SummitError as error:
            raise CannotTell(str(error)) from error
        if ledger.warnings:
            raise CannotTell(ledger.warnings[0], hint="`inv ledger.verify` says all that is wrong")
        return cls(by_step, grants, Path(ledger.keys.keyrings[0]))

    def of_step(self, step_id: str) -> list[Record]:
        return self.by_step.get(step_id, [])

    def about(self, step_id: str, subject: str, digest: str) -> list[Record]:
        """The records of a step in whose subjects the name has this digest."""
        return [it for it in self.of_step(step_id) if it.subjects.get(subject) == digest]

    def has_role(self, record: Record, roles: Iterable[str]) -> bool:
        """Whether whoever signed the record had one of these roles for such a step, and then."""
        at = datetime.fromisoformat(record.ended)
        held = {
            (grant.role if grant.where.file == self.shared else "") or DEVELOPER
            for grant in self.grants
            if grant.keyid == record.keyid
            and grant.covers(record.step_id)
            and (grant.until is None or at <= grant.until)
        }
        return not (held or {DEVELOPER}).isdisjoint(roles)

    def is_controlled(self, record: Record) -> bool:
        """Whether a control has shown of the very gate of this record that it can tell.

        The newest record of the planted fault says it was rejected, that of its twin accepted.
        """
        step = str(record.summit["step"])
        halves: dict[str, set[Half]] = defaultdict(set)
        for step_id, records in self.by_step.items():
            newest = records[-1]
            if not step_id.startswith(f"{CONTROL}:{step}/") or not newest.passed:
                continue
            folder, _, rest = step_id.rpartition("/")
            if newest.gate == record.gate:
                halves[folder].update(it for it in Half if rest.startswith(f"{it.value}@"))
        return any(len(found) == len(Half) for found in halves.values())
