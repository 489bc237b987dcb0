"""The straight line: a working copy, the plan for some gates, a run, and what it adds up to."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipelines.checkout import git, patterns
from pipelines.console import progress
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, SummitError
from pipelines.planning import plan
from pipelines.planning.plan import Verdict
from pipelines.planning.workspace import Workspace
from pipelines.reporting import report
from pipelines.running import scheduler
from pipelines.running.runner import Runner
from pipelines.running.scheduler import Work
from pipelines.step import Result, Status, Step


class Request(NamedTuple):
    """What a person asked for.

    `affected` narrows to what changed since HEAD and that ref parted, "" being the default branch;
    `only` to these components, and what their steps need.
    `is_strict` runs everything, traced, and fails a step that reads what it does not declare.
    """

    gates: tuple[str, ...]
    affected: str | None = None
    jobs: int = 0  # one per core
    keep_going: bool = False
    is_strict: bool = False
    only: tuple[str, ...] = ()


class GateFailed(SummitError):
    """Something that was checked does not hold."""

    def __init__(self, results: Sequence[Result]) -> None:
        failed = [result.step.id for result in results if result.status is Status.FAILED]
        super().__init__(f"{len(failed)} of {len(results)} steps failed: {', '.join(failed)}")


def run(workspace: Workspace, request: Request) -> None:
    """Bring every step of the gates to evidence, and print the summary.

    Raises `ToolMissing` before anything runs, `GateFailed` when a step failed; its evidence is in
    the ledger all the same.
    """
    verdicts = select(workspace, request)
    if request.is_strict:
        verdicts = {id_: it._replace(evidence=None) for id_, it in verdicts.items()}
    workspace.require_tools(it.step for it in verdicts.values() if not it.holds)
    results = _scheduled(workspace, request, verdicts)
    progress(report.summary(results, seconds=time.monotonic() - workspace.opened))
    for warning in workspace.ledger.warnings:
        progress(f"warning: {warning}")
    is_plain = request == Request(request.gates) and all(results)
    workspace.remember(results, request.gates if is_plain else ())
    if any(result.status is Status.FAILED for result in results):
        raise GateFailed(results)


def _scheduled(
    workspace: Workspace, request: Request, verdicts: Mapping[str, Verdict]
) -> list[Result]:
    """What holds, then what cannot be run here, then what was run, each in order."""
    is_alone = sum(not it.holds for it in verdicts.values()) == 1
    runner = Runner(workspace, is_live=is_alone, is_strict=request.is_strict)
    held = runner.hold(verdicts.values())
    stale = {id_: it.step for id_, it in verdicts.items() if id_ not in held}
    not_run = workspace.not_run(stale)
    stale = {id_: step for id_, step in stale.items() if id_ not in not_run}
    work = Work(run=runner.run, log=runner.log, stop=runner.stop)
    jobs = scheduler.at_once(request.jobs)
    try:
        with report.make(len(stale), quiet=is_alone) as told:
            ran = scheduler.run(stale, work, told, jobs=jobs, keep_going=request.keep_going)
            return [*held.values(), *not_run.values(), *ran]
    finally:
        workspace.services.stop()


def select(workspace: Workspace, request: Request) -> dict[str, Verdict]:
    """The plan: the verdicts on the steps of the gates and on all they need, in order.

    Raises `ConfigError` for an unknown gate, ref or component.
    """
    steps, gates = workspace.layout.steps, workspace.layout.gates
    chosen = _affected(workspace, request.affected) if request.affected is not None else set(steps)
    if request.only:
        chosen &= _of_components(steps.values(), request.only)
    ids = plan.select(steps, gates, request.gates, only=lambda step: step.id in chosen)
    return {id_: workspace.verdicts[id_] for id_ in ids}


def _of_components(steps: Iterable[Step], names: Sequence[str]) -> set[str]:
    known = {step.component for step in steps}
    for name in names:
        if name not in known:
            raise ConfigError(f"no component called {name!r}", hint=nearest(name, known))
    return {step.id for step in steps if step.component in names}


def _affected(workspace: Workspace, ref: str) -> set[str]:
    """Ids of the steps whose inputs changed since HEAD and `ref` parted, and of their dependents.

    A file that was removed counts too, which the working copy no longer has.
    """
    root, steps = workspace.root, workspace.layout.steps
    changed = sorted(git.changed_since(root, git.merge_base(root, ref)))
    if set(changed) & set(workspace.layout.sources):
        return set(steps)
    touched = [
        id_ for id_, step in steps.items() if patterns.select((*step.inputs, *step.locks), changed)
    ]
    return plan.dependents(steps, touched)
