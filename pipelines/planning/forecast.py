"""Says what a run would do, and why; nothing runs."""

from __future__ import annotations

from pipelines import console, gates
from pipelines.gates import Request
from pipelines.planning.workspace import Workspace
from pipelines.reporting import why
from pipelines.reporting.report import duration


def show(workspace: Workspace, request: Request) -> None:
    """Print every step of the plan, in order, with the reason it runs or does not.

    Raises `ConfigError` for an unknown gate or ref.
    """
    verdicts = gates.select(workspace, request)
    stale = {id_: it.step for id_, it in verdicts.items() if not it.holds}
    not_run = workspace.not_run(stale)
    rows = []
    for id_, verdict in verdicts.items():
        if verdict.evidence and not request.is_strict:
            rows.append((id_, "from ledger", f"saves {duration(verdict.evidence.seconds)}"))
        elif id_ in not_run:
            rows.append((id_, "not run", not_run[id_].message))
        else:
            rows.append((id_, "run", why.reason(id_, workspace.current, workspace.ledger)))
    console.result(console.table(("step", "plan", "why"), rows))
