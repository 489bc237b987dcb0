"""Tries the halves of controls, each in a scratch copy, and leaves evidence of what came of it."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pipelines import config, state
from pipelines.controls.planted import Control, Half, planted
from pipelines.controls.scratch import contents, copied
from pipelines.errors import SummitError
from pipelines.ledger.statement import Circumstances, here, statement
from pipelines.planning.fingerprint import Fingerprint
from pipelines.planning.plan import Verdict
from pipelines.planning.workspace import Workspace
from pipelines.running import variables
from pipelines.running.execution import execute, failed, masker_of
from pipelines.step import Result, Status, Step


class Trial(NamedTuple):
    """One half of a control, and where each file of its scratch copy comes from."""

    control: Control
    half: Half
    step: Step
    files: Mapping[str, str]


class Trials:
    """The trials of some controls, to be run several at a time in threads of their own."""

    def __init__(self, workspace: Workspace, controls: Iterable[Control]) -> None:
        self._workspace = workspace
        self._trials = _prepared(workspace, controls)
        self._around = Circumstances(
            tree=workspace.worktree.tree, configuration=workspace.layout.source, where=here()
        )
        self._ledger_lock = threading.Lock()
        self._logs: dict[str, bytes] = {}  # by step id, masked

    def verdicts(self) -> dict[str, Verdict]:
        """Which trials there are, and the evidence on each that was made before and still holds."""
        return {id_: self._verdict(trial) for id_, trial in self._trials.items()}

    def run(self, step: Step) -> Result:
        """Try one half; passed when the gate did as it must. The result is in the ledger then."""
        trial = self._trials[step.id]
        started = time.time()
        log = io.BytesIO()
        try:
            result = _judged(self._tried(trial, log), trial.half)
        except SummitError as error:  # a gate that cannot be started rejects nothing
            log.write(f"{error}\n".encode())
            result = Result(step, Status.FAILED, message=str(error))
        self._logs[step.id] = log.getvalue()
        return self._recorded(trial, result._replace(seconds=time.time() - started), started)

    def hold(self, verdict: Verdict) -> Result:
        """The result of a trial whose evidence holds."""
        assert verdict.evidence is not None
        return verdict.evidence.result(verdict.step)

    def log(self, step: Step) -> bytes:
        """What the gate said when the trial was run just now, masked."""
        return self._logs.get(step.id, b"")

    def stop(self) -> None:
        """Nothing: a trial waits for no other run."""

    def _verdict(self, trial: Trial) -> Verdict:
        digest = self._fingerprint(trial).digest()
        return Verdict(trial.step, digest, self._workspace.find(trial.step, digest))

    def _tried(self, trial: Trial, log: io.BytesIO) -> Result:
        """What the gate made of the half."""
        step = trial.step
        report = f"{state.make(self._workspace.root)}/{os.getpid()}-{threading.get_ident()}.xml"
        with copied(self._workspace.root, trial.files) as folder:
            return execute(
                step,
                root=folder,
                env=variables.of_step(step, {}),
                log=log,
                masker=masker_of(step),
                report=report,
            )

    def _fingerprint(self, trial: Trial) -> Fingerprint:
        space, step = self._workspace, trial.step
        digests = {place: space.worktree.digest(path) for place, path in trial.files.items()}
        return Fingerprint(
            step=step.name,
            component=step.component,
            argv=step.argv,
            cwd=step.cwd,
            files={place: digest for place, digest in digests.items() if digest},
            locks={},
            env={name: os.environ.get(name) for name in step.env},
            secrets={name: name in os.environ for name in step.secrets},
            tools=space.tools_of(step),
            upstream={},
            services={},
            outputs=(),
        )

    def _recorded(self, trial: Trial, result: Result, started: float) -> Result:
        step, ledger = trial.step, self._workspace.ledger
        fingerprint, masker = self._fingerprint(trial), masker_of(step)
        ledger.blobs.put(fingerprint.document())
        result = result._replace(log=ledger.blobs.put(self._logs[step.id]))
        claim = statement(
            result,
            fingerprint,
            self._around,
            argv=tuple(masker.text(word) if masker else word for word in step.argv),
            gate=trial.control.gate,
            started=started,
        )
        with self._ledger_lock:
            return result._replace(record=ledger.append(claim).id)


def _prepared(workspace: Workspace, controls: Iterable[Control]) -> dict[str, Trial]:
    """Every trial by the id of its step."""
    layout, paths = workspace.layout, workspace.worktree.paths
    declared = config.load(Path(workspace.root), paths).components
    folders = {component.name: component.folder for component in declared}
    others = planted(layout.steps.values(), paths)
    trials = {}
    for control in controls:
        id_, component = control.step.id, folders[control.step.component]
        read = {paths[at] for at in (*layout.inputs[id_], *layout.locks[id_])} - others
        for half in Half:
            step = control.trial(half)
            files = contents(control, half, component, sorted(read))
            trials[step.id] = Trial(control, half, step, files)
    return trials


def _judged(result: Result, half: Half) -> Result:
    """The gate's result turned into the trial's, which is good when the gate did as it must."""
    if half is Half.CLEAN:
        return result or result._replace(message=f"twin rejected: {result.message}")
    if result:
        return failed(result, "fault accepted")
    said = f"fault rejected: {result.message}"
    return result._replace(status=Status.PASSED, failed_tests=(), message=said)
