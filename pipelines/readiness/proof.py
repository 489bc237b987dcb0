"""What the ledger says of each line of the checklist."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.ledger.record import Record
from pipelines.planning import plan
from pipelines.planning.workspace import Workspace
from pipelines.readiness.checklist import Line
from pipelines.release import Release
from pipelines.reporting import why

_SHORT = 12  # digits of an id that are shown


class State(enum.Enum):
    """How a line stands."""

    PROVEN = "proven"
    STALE = "stale"  # it was, before something changed
    UNPROVEN = "NOT PROVEN"


@dataclass(frozen=True)
class Proof:
    """A line, how it stands, and by which records or why not."""

    line: Line
    state: State
    said: str
    records: tuple[Record, ...] = ()

    @property
    def is_proven(self) -> bool:
        return self.state is State.PROVEN


class Prover:
    """Asks the ledger about a release, or where the sources are of none about a working copy.

    Nothing is run.
    """

    def __init__(self, workspace: Workspace, release: Release | None, *, now: datetime) -> None:
        self._workspace = workspace
        self._release = release
        self._now = now

    def prove(self, line: Line) -> Proof:
        """How the line stands now. Raises `ConfigError` for a gate or step that is not known."""
        proof = self._attested(line) if line.record else self._held(line)
        return self._aged(proof) if proof.is_proven else proof

    def _held(self, line: Line) -> Proof:
        """By steps, each on exactly these sources."""
        layout, ledger = self._workspace.layout, self._workspace.ledger
        steps = line.steps or plan.select(layout.steps, layout.gates, [line.gate])
        records = []
        for step in steps:
            self._workspace.current(step)  # one that is not known is said so
            record = self._evidence(step)
            if record is None:
                state = State.STALE if ledger.latest(step) else State.UNPROVEN
                return Proof(line, state, f"{step}: {self._reason(step)}")
            records.append(record)
        return Proof(line, State.PROVEN, _told(records), tuple(records))

    def _evidence(self, step: str) -> Record | None:
        """What holds for the step on the sources of the release, or else on those that are here."""
        ledger = self._workspace.ledger
        if self._release and step in self._release.steps:
            record = ledger.find(self._release.steps[step])
            return record if record and record.passed else None
        evidence = self._workspace.verdicts[step].evidence
        return ledger.get(evidence.record) if evidence else None

    def _reason(self, step: str) -> str:
        """Why there is no evidence for the step."""
        if self._workspace.verdicts[step].evidence:  # the same files, and yet another fingerprint
            return "with other tools than the release was made with; `inv release` makes another"
        return why.reason(step, self._workspace.current, self._workspace.ledger)

    def _attested(self, line: Line) -> Proof:
        """By the newest record of what looked at exactly this release."""
        every = self._workspace.ledger.history(line.record)
        if not every:
            return Proof(line, State.UNPROVEN, f"{line.record}: nobody has looked")
        about = [it for it in every if self._is_about_it(it)]
        if not about:
            of = every[-1].subjects["release"].removeprefix("sha256:")[:_SHORT]
            said = f"{line.record}: of release {of}, which is not of these sources"
            return Proof(line, State.STALE, said, (every[-1],))
        record = about[-1]
        if not record.passed:
            said = f"{line.record}: failed, record {record.sequence} ({record.id[:_SHORT]})"
            return Proof(line, State.UNPROVEN, said, (record,))
        if undone := self._undone(line, record):
            return Proof(line, State.STALE, undone, (record,))
        return Proof(line, State.PROVEN, _told([record]), (record,))

    def _is_about_it(self, record: Record) -> bool:
        """Whether the record is about the release, or about none at all."""
        release = record.subjects.get("release")
        return not release or (
            self._release is not None and release == f"sha256:{self._release.id}"
        )

    def _undone(self, line: Line, record: Record) -> str:
        """What has undone it since, if anything has."""
        since = self._workspace.ledger.latest(line.unless) if line.unless else None
        if not since or not since.passed or since.sequence < record.sequence:
            return ""
        return "" if self._is_about_it(since) else f"{line.unless} since, record {since.sequence}"

    def _aged(self, proof: Proof) -> Proof:
        """The proof, unless one of its records is older than the line allows."""
        if proof.line.max_age is None:
            return proof
        oldest = min(proof.records, key=lambda it: it.ended)
        age = (self._now - datetime.fromisoformat(oldest.ended)).total_seconds()
        if age <= proof.line.max_age:
            return proof
        said = f"{oldest.step_id}: of {oldest.ended}, which is too long ago"
        return Proof(proof.line, State.STALE, said, proof.records)


def _told(records: Sequence[Record]) -> str:
    """The newest of the records, when it was made, and by which keys."""
    newest = max(records, key=lambda it: it.ended)
    more = f" and {len(records) - 1} more" if len(records) > 1 else ""
    return f"record {newest.id[:_SHORT]}{more}, {newest.ended}, {_keys(records)}"


def _keys(records: Iterable[Record]) -> str:
    keys = sorted({it.keyid[:_SHORT] for it in records})
    return f"{'keys' if len(keys) > 1 else 'key'} {', '.join(keys)}"
