"""What the ledger says of each line of the checklist."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.ledger.record import Record
from pipelines.planning import plan
from pipelines.planning.workspace import Workspace
from pipelines.readiness.checklist import Line
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
    """Asks the ledger of a working copy. Nothing is run."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def prove(self, line: Line) -> Proof:
        """How the line stands now. Raises `ConfigError` for a gate or step that is not known."""
        if line.record:
            return self._attested(line)
        steps = line.steps or self._of_gate(line.gate)
        return self._held(line, steps)

    def _of_gate(self, gate: str) -> tuple[str, ...]:
        layout = self._workspace.layout
        return plan.select(layout.steps, layout.gates, [gate])

    def _held(self, line: Line, steps: Sequence[str]) -> Proof:
        """By steps, each on exactly the working copy as it is."""
        workspace, ledger = self._workspace, self._workspace.ledger
        records = []
        for step in steps:
            workspace.current(step)  # one that is not known is said so
            evidence = workspace.verdicts[step].evidence
            if evidence is None:
                was = ledger.latest(step) is not None
                reason = why.reason(step, workspace.current, ledger)
                state = State.STALE if was else State.UNPROVEN
                return Proof(line, state, f"{step}: {reason}")
            records.append(ledger.get(evidence.record))
        return Proof(line, State.PROVEN, _told(records), tuple(records))

    def _attested(self, line: Line) -> Proof:
        """By what looked at a release of exactly this tree."""
        record = self._workspace.ledger.latest(line.record)
        if record is None:
            return Proof(line, State.UNPROVEN, f"{line.record}: nobody has looked")
        if not record.passed:
            said = f"{line.record}: failed, record {record.sequence} ({record.id[:_SHORT]})"
            return Proof(line, State.UNPROVEN, said, (record,))
        tree = record.subjects.get("source", "").removeprefix("gitTree:")
        if tree and tree != self._workspace.worktree.tree:
            said = f"{line.record}: of tree {tree[:_SHORT]}, before the last change"
            return Proof(line, State.STALE, said, (record,))
        return Proof(line, State.PROVEN, _told([record]), (record,))


def _told(records: Iterable[Record]) -> str:
    """The newest of the records, when it was made, and by which key."""
    found = list(records)
    newest = max(found, key=lambda it: it.ended)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"record {newest.id[:_SHORT]}{more}, {newest.ended}, key {newest.keyid[:_SHORT]}"
