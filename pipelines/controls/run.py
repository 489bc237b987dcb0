"""The straight line of `inv controls`: gates, their controls, the trials, what came of each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from pipelines import console
from pipelines.console import Colour
from pipelines.controls.planted import Control, Half, find
from pipelines.controls.trials import Trials
from pipelines.errors import ConfigError, SummitError
from pipelines.planning.fingerprint import gate_digest
from pipelines.planning.workspace import Workspace
from pipelines.reporting import report
from pipelines.running import scheduler
from pipelines.running.scheduler import Work
from pipelines.step import Result, Step


class Outcome(Enum):
    """What a control says of its gate."""

    DETECTED = "detected"
    MISSED = "missed"  # the fault was accepted
    ALARMED = "alarmed"  # the twin was rejected, so that what was made of the fault says nothing


class Tried(NamedTuple):
    """A control and what came of it; true when its gate can tell."""

    control: Control
    outcome: Outcome

    def __bool__(self) -> bool:
        return self.outcome is Outcome.DETECTED


class ControlsFailed(SummitError):
    """A gate accepted a planted fault, or rejected what has none."""

    def __init__(self, failed: Sequence[Tried], total: int) -> None:
        named = ", ".join(f"{it.control.name} {it.outcome.value}" for it in failed)
        super().__init__(
            f"{len(failed)} of {total} controls failed: {named}",
            hint="mend the gate, not the control",
        )
        self.failed = failed


def run(workspace: Workspace, *, only: Sequence[str] = (), jobs: int = 0) -> list[Tried]:
    """Try the controls of the gates `only`, or of all; print what came of each.

    A gate is the name of a step, or a word that stands for several. Raises `ConfigError` for an
    unknown gate and for a control that cannot be one, `ControlsFailed` after all were tried.
    """
    began = time.monotonic()
    gates = distinct(workspace, _chosen(workspace, only))
    workspace.require_tools(gates.values())
    paths = workspace.worktree.paths
    not_run = workspace.not_run({step.id: step._replace(needs=()) for step in gates.values()})
    gates = {gate: step for gate, step in gates.items() if step.id not in not_run}
    controls = [control for gate, step in gates.items() for control in find(step, gate, paths)]
    results = _scheduled(Trials(workspace, controls), scheduler.at_once(jobs))
    tried = [Tried(control, _outcome(control, results)) for control in controls]
    console.result(_table(list(gates.values()), tried, not_run.values()))
    console.progress(_totals(tried, report.duration(time.monotonic() - began)))
    if failed := [it for it in tried if not it]:
        raise ControlsFailed(failed, len(tried))
    return tried


def distinct(workspace: Workspace, names: Iterable[str]) -> dict[str, Step]:
    """The gates of these names by digest, each as one of the steps that have it.

    That is the one that reads least: the rest of what it reads is copied around each fault.
    """
    wanted, inputs = set(names), workspace.layout.inputs
    steps = [step for step in workspace.layout.steps.values() if step.name in wanted]
    found: dict[str, Step] = {}
    for step in sorted(steps, key=lambda it: (it.name, len(inputs[it.id]), it.id)):
        found.setdefault(gate_digest(step, workspace.tools_of(step)), step)
    return found


def _chosen(workspace: Workspace, only: Sequence[str]) -> set[str]:
    """Names of steps."""
    gates, steps = workspace.layout.gates, workspace.layout.steps
    known = {step.name: (step.name,) for step in steps.values()} | gates
    for name in only:
        if name not in known:
            raise ConfigError(f"no gate called {name!r}", hint=f"known: {', '.join(sorted(known))}")
    return {name for gate in only or known for name in known[gate]}


def _scheduled(trials: Trials, jobs: int) -> dict[str, Result]:
    verdicts = trials.verdicts()
    stale = {id_: it.step for id_, it in verdicts.items() if not it.holds}
    held = [trials.hold(it) for it in verdicts.values() if it.holds]
    work = Work(run=trials.run, log=trials.log, stop=trials.stop)
    with report.make(len(stale)) as told:
        results = held + scheduler.run(stale, work, told, jobs=jobs, keep_going=True)
    return {result.step.id: result for result in results}


def _outcome(control: Control, results: Mapping[str, Result]) -> Outcome:
    if not results[control.trial(Half.CLEAN).id]:
        return Outcome.ALARMED
    return Outcome.DETECTED if results[control.trial(Half.FAULT).id] else Outcome.MISSED


def _table(gates: Sequence[Step], tried: Sequence[Tried], not_run: Iterable[Result]) -> str:
    """A row for each control, and one for each gate that has none or lacks a tool."""
    names = Counter(step.name for step in gates)
    rows = [(_named(it.control.step, names), it.control.folder, _painted(it)) for it in tried]
    bare = (step for step in gates if not step.controls)
    rows += [(_named(it, names), "", console.paint("uncontrolled", Colour.WARN)) for it in bare]
    rows += [(it.step.id, it.message, console.paint("not run", Colour.WARN)) for it in not_run]
    return console.table(("gate", "planted", "outcome"), rows)


def _named(step: Step, names: Counter[str]) -> str:
    """The step's name; where components give it different words, one of its ids."""
    return step.name if names[step.name] == 1 else step.id


def _painted(tried: Tried) -> str:
    return console.paint(tried.outcome.value, Colour.GOOD if tried else Colour.BAD)


def _totals(tried: Sequence[Tried], time_taken: str) -> str:
    numbers = {outcome: sum(it.outcome is outcome for it in tried) for outcome in Outcome}
    counts = ", ".join(f"{count} {outcome.value}" for outcome, count in numbers.items())
    return f"{len(tried)} controls: {counts} in {time_taken}"
