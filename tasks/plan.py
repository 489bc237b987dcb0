"""The plan: why a step runs, and how all of them hang together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context

from pipelines import console, entry, gates
from pipelines.files import write_atomically
from pipelines.gates import Request
from pipelines.ledger import Ledger
from pipelines.planning.plan import Verdict
from pipelines.planning.workspace import Workspace
from pipelines.reporting import graph as graphs, why as reasons
from pipelines.root import find_root
from tasks._task import task


@task(
    positional=["step"],
    help={
        "step": "NAME:COMPONENT",
        "against": "a record to compare with: the beginning of its id, or a file with its envelope",
        "inputs": "with --against: a file with the inputs of a record made elsewhere",
    },
)
def why(c: Context, step: str, against: str = "", inputs: str = "") -> None:
    """Say why a step runs: what changed, and since which record.

    Example: inv why test:fabric --against record.json
    """
    workspace = _workspace()
    current, ledger = workspace.current, workspace.ledger
    if not against:
        console.result(reasons.explain(step, current, ledger))
        return
    tree = workspace.worktree.tree
    given = Path(inputs) if inputs else None
    console.result(reasons.against(against, current(step), ledger=ledger, tree=tree, inputs=given))


@task(
    iterable=["only"],
    help={
        "only": "a gate; may be given several times (default: all)",
        "svg": "draw it into this file instead of printing Mermaid",
    },
)
def graph(c: Context, only: Sequence[str] | None = None, svg: str = "") -> None:
    """Draw the steps, what each needs, and which have evidence that holds.

    Example: inv graph --only test --svg graph.svg
    """
    workspace = _workspace()
    verdicts = gates.select(workspace, Request(tuple(only or ("check",))))
    steps = [verdict.step for verdict in verdicts.values()]
    said = {id_: _standing(verdict, workspace.ledger) for id_, verdict in verdicts.items()}
    if svg:
        write_atomically(Path(svg), graphs.svg(steps, said))
    else:
        console.result(graphs.mermaid(steps, said))


def _standing(verdict: Verdict, ledger: Ledger) -> str:
    """One of `graph.VERDICTS`."""
    if verdict.holds:
        return "holds"
    # A record of these very inputs that does not hold is one of a failure.
    return "failed" if ledger.find(verdict.digest) else "stale"


def _workspace() -> Workspace:
    return entry.workspace(str(find_root(Path.cwd())))
