"""Runs one step to its end and leaves evidence of it."""

from __future__ import annotations

import fcntl
import io
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines import state
from pipelines.errors import SummitError
from pipelines.ledger import BlobLost
from pipelines.ledger.statement import Circumstances, here, statement
from pipelines.planning.fingerprint import Fingerprint, gate_digest
from pipelines.planning.plan import Evidence, Verdict
from pipelines.planning.workspace import Workspace
from pipelines.running import outputs, variables
from pipelines.running.execution import execute, failed, masker_of, note
from pipelines.step import Result, Status, Step

if TYPE_CHECKING:
    from pipelines.programs.mask import Masker

_PAUSE = 0.05  # seconds between two looks at whether another run has ended a step


class Interrupted(Exception):
    """The run was ended before a step was."""


class Runner:
    """Runs steps of a workspace, several at a time in threads of their own."""

    def __init__(self, workspace: Workspace, *, is_live: bool, is_strict: bool) -> None:
        """`is_live` shows what a step says as it comes, masked; `is_strict` traces every step and
        fails one that reads what it does not declare.
        """
        self._workspace = workspace
        self._is_live = is_live
        self._is_strict = is_strict
        self._around = Circumstances(
            tree=workspace.worktree.tree, configuration=workspace.layout.source, where=here()
        )
        self._ledger_lock = threading.Lock()
        self._services_lock = threading.Lock()
        self._stopping = threading.Event()
        self._numbers = itertools.count()
        self._logs: dict[str, bytes] = {}  # by step id, masked

    def run(self, step: Step) -> Result:
        """Run the step, again where it declares retries, and record every attempt.

        A step that another run in this checkout has under way is waited for; the evidence that
        leaves holds here too.
        """
        fingerprint = self._workspace.current(step.id)
        with self._alone(step):
            evidence = None if self._is_strict else self._find(step, fingerprint.digest())
            held = self._held(step, evidence) if evidence else None
            if held:
                return held
            result = self._attempt(step, fingerprint, 1)
            for attempt in range(2, step.retries + 2):
                if result:
                    break
                result = self._attempt(step, fingerprint, attempt)
            return result

    def hold(self, verdicts: Iterable[Verdict]) -> dict[str, Result]:
        """The results of the steps whose evidence holds, by id, their outputs put back.

        A step whose outputs the ledger has lost is none of them: it is to be run again.
        """
        held = {}
        for verdict in verdicts:
            if verdict.evidence:
                result = self._held(verdict.step, verdict.evidence)
                if result:
                    held[verdict.step.id] = result
        return held

    def _held(self, step: Step, evidence: Evidence) -> Result | None:
        root, ledger = self._workspace.root, self._workspace.ledger
        try:
            outputs.restore(root, evidence.outputs, ledger, self._workspace.outputs)
        except BlobLost:
            return None
        return evidence.result(step)

    def log(self, step: Step) -> bytes:
        """What the step said when it was last run here, masked."""
        return self._logs.get(step.id, b"")

    def stop(self) -> None:
        """End all waiting for other runs."""
        self._stopping.set()

    def _attempt(self, step: Step, fingerprint: Fingerprint, attempt: int) -> Result:
        started = time.time()
        log = io.BytesIO()
        masker = masker_of(step)
        result = self._executed(step, masker, log)
        if self._stopping.is_set():  # it was ended, or may have been: that is no result of its own
            raise Interrupted
        result = result._replace(attempt=attempt, seconds=time.time() - started)
        self._logs[step.id] = log.getvalue()
        return self._recorded(result, fingerprint, masker, started)

    def _executed(self, step: Step, masker: Masker | None, log: BinaryIO) -> Result:
        """The command's end, judged: its exit code, its tests, and whether its inputs stayed."""
        report = f"{state.make(self._workspace.root)}/{os.getpid()}-{next(self._numbers)}.xml"
        how: dict[str, Any] = {"masker": masker, "report": report, "live": self._is_live}
        try:
            env = variables.of_step(step, self._services(step))
            if self._is_strict:
                from pipelines.running.strictness import execute_traced

                result = execute_traced(step, self._workspace, env=env, log=log, **how)
            else:
                result = execute(step, root=self._workspace.root, env=env, log=log, **how)
            return self._unmoved(result) if result else result
        except SummitError as error:
            said = f"{error}\n{getattr(error, 'output', '')}".rstrip() + "\n"
            note(log, masker.text(said) if masker else said, live=self._is_live)
            return failed(Result(step, Status.FAILED), str(error))

    def _services(self, step: Step) -> dict[str, str]:
        if not step.services:
            return {}
        with self._services_lock:
            return self._workspace.services.start(step.services)

    def _unmoved(self, result: Result) -> Result:
        """The same result, or a failure when the step changed what it is about."""
        moved = self._workspace.moved_inputs(result.step)
        if not moved:
            return result
        more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        return failed(result, f"the gate changed its own input: {', '.join(moved[:3])}{more}")

    def _recorded(
        self, result: Result, fingerprint: Fingerprint, masker: Masker | None, started: float
    ) -> Result:
        """The result with its evidence, which is in the ledger when this returns."""
        step, workspace, ledger = result.step, self._workspace, self._workspace.ledger
        kept = {}
        if result:
            try:
                kept = outputs.keep(workspace.root, step.outputs, ledger, workspace.outputs)
            except outputs.Unreadable as error:
                result = failed(result, str(error))
        ledger.blobs.put(fingerprint.document())
        result = result._replace(log=ledger.blobs.put(self._logs[step.id]), outputs=kept)
        if masker:  # a test may be named after what it was given
            names = tuple(map(masker.text, result.failed_tests))
            result = result._replace(message=masker.text(result.message), failed_tests=names)
        claim = statement(
            result,
            fingerprint,
            self._around,
            argv=tuple(masker.text(word) if masker else word for word in step.argv),
            gate=gate_digest(step, fingerprint.tools),
            started=started,
        )
        with self._ledger_lock:
            record = ledger.append(claim)
            is_controlled = workspace.is_controlled(step)
        return result._replace(record=record.id, is_controlled=is_controlled)

    def _find(self, step: Step, digest: str) -> Evidence | None:
        with self._ledger_lock:
            return self._workspace.find(step, digest)

    @contextmanager
    def _alone(self, step: Step) -> Iterator[None]:
        """Hold what another run of the same step in this checkout would wait for."""
        with state.lock_file(self._workspace.root, step.id) as lock:
            while not _try_to_lock(lock.fileno()):
                if self._stopping.wait(_PAUSE):
                    raise Interrupted
            yield


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
