"""A working copy as one run sees it, and what is kept of that for the next run.

What took long to find out (the layout, contents' digests, tools' versions, which evidence holds)
is kept in `snapshot.FILE` and found out anew only where something changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from pipelines.checkout import patterns, snapshot, stats, worktree
from pipelines.checkout.snapshot import Look
from pipelines.checkout.worktree import Known, Worktree
from pipelines.controls import planted
from pipelines.errors import ConfigError
from pipelines.ledger import Keys, Ledger
from pipelines.planning import plan
from pipelines.planning.fingerprint import Fingerprint, gate_digest
from pipelines.planning.layout import Layout
from pipelines.planning.memory import Memory, recall
from pipelines.planning.plan import Evidence, Verdict, evidence_of
from pipelines.reporting import report
from pipelines.running import tools
from pipelines.running.outputs import Seen
from pipelines.running.tools import Version
from pipelines.step import Result, Status, Step

_RAN = (Status.PASSED, Status.FAILED)


class Services(Protocol):
    """What starts the Compose services that steps need."""

    def digest(self, service: str) -> str:
        """What the service's definition and image are, for the fingerprint."""

    def start(self, services: Sequence[str]) -> dict[str, str]:
        """Have them healthy; returns variables that say where they are."""

    def stop(self) -> None:
        """Stop what was started."""


class Workspace:
    """Files, layout, tools and evidence, all read when it is made."""

    def __init__(self, root: str, services: Services, look: Look | None) -> None:
        """Read what changed since the last run, where a first `look` found that something did.

        Raises `ConfigError` for a wrong configuration, `MachineError` for a file that cannot be
        read.
        """
        self.opened = time.monotonic()
        self.root = root
        self.services = services
        self.ledger = Ledger(os.path.join(root, ".summit", "ledger"), Keys(root))
        self._stamp = self.ledger.stamp()
        memory = recall(look)
        self.worktree = self._read(memory, look)
        self.layout = self._layout(memory)
        self.environment = snapshot.environment(self._variables())
        self.versions = tools.versions(self.layout.tools, self._versions(memory), cwd=root)
        self._controlled: dict[str, bool] = {}  # by what a control vouches for
        self.outputs = self._outputs(memory, look)
        self.verdicts = self._verdicts(memory)
        is_same = self._is_as(memory) and self.worktree.changed == frozenset()
        self._answers = dict(memory.answers) if is_same else {}

    def fingerprint(self, step: Step, upstream: Mapping[str, str]) -> Fingerprint:
        """What the step's result depends on; `upstream` are the digests of what it needs."""
        return Fingerprint(
            step=step.name,
            component=step.component,
            argv=step.argv,
            cwd=step.cwd,
            files=self._contents(self.layout.inputs[step.id]),
            locks=self._contents(self.layout.locks[step.id]),
            env={name: self.environment[name] for name in step.env},
            secrets={name: name in os.environ for name in step.secrets},
            tools=self.tools_of(step),
            upstream=dict(upstream),
            services={name: self.layout.services[name] for name in step.services},
            outputs=step.outputs,
        )

    def current(self, step_id: str) -> Fingerprint:
        """The fingerprint of a step, by its id, as the working copy is now.

        Raises `ConfigError` when there is no such step.
        """
        step = self.layout.steps.get(step_id)
        if step is None:
            known = ", ".join(self.layout.steps)
            raise ConfigError(f"no step called {step_id!r}", hint=f"known: {known}")
        return self.fingerprint(step, {need: self.verdicts[need].digest for need in step.needs})

    def tools_of(self, step: Step) -> dict[str, str]:
        """The versions that matter to the step."""
        return {name: self.versions[name].text for name in step.tools}

    def require_tools(self, steps: Iterable[Step]) -> None:
        """Raise `ToolMissing` for a tool of one of the steps that cannot say its version.

        An optional one too where the variable CI is set: there nobody would notice its absence.
        """
        for name in dict.fromkeys(name for step in steps for name in step.tools):
            tool = self.layout.tools[name]
            if not self.versions[name].text and (not tool.is_optional or os.environ.get("CI")):
                tools.ask(name, tool.command, cwd=self.root)

    def not_run(self, steps: Mapping[str, Step]) -> dict[str, Result]:
        """Those of the steps that lack an optional tool, and those that need one of them.

        `steps` are in the order in which they can run.
        """
        found: dict[str, Result] = {}
        for id_, step in steps.items():
            lacks = [name for name in step.tools if self._lacks(name)]
            needs = [need for need in step.needs if need in found]
            why = f"no {', '.join(lacks)} on this machine" if lacks else ""
            why = why or (f"needs {', '.join(needs)}" if needs else "")
            if why:
                found[id_] = Result(step, Status.NOT_RUN, message=why)
        return found

    def _lacks(self, tool: str) -> bool:
        return self.layout.tools[tool].is_optional and not self.versions[tool].text

    def declared(self, step: Step) -> frozenset[str]:
        """The paths of the files that the step may read.

        Those of the steps it needs are among them: they are in its fingerprint through theirs.
        """
        steps, needed, waiting = self.layout.steps, {step.id}, [step]
        while waiting:
            found = set(waiting.pop().needs) - needed
            needed |= found
            waiting += (steps[id_] for id_ in found)
        indices = (
            at for id_ in needed for at in (*self.layout.inputs[id_], *self.layout.locks[id_])
        )
        return frozenset(self.worktree.known.paths[at] for at in indices)

    def find(self, step: Step, digest: str) -> Evidence | None:
        """The evidence on a step's fingerprint, if the newest record on it passed."""
        record = self.ledger.find(digest)
        if record is None or not record.passed:
            return None
        return Evidence(
            record=record.id,
            seconds=record.seconds,
            log=record.log,
            counts=record.counts,
            outputs=record.outputs,
            is_controlled=self.is_controlled(step),
        )

    def is_controlled(self, step: Step) -> bool:
        """Whether a control has shown that this gate, with these tools, can fail and can pass."""
        gate = gate_digest(step, self.tools_of(step))
        if gate not in self._controlled:
            paths = self.worktree.known.paths
            self._controlled[gate] = planted.is_controlled(step, gate, paths, self.ledger)
        return self._controlled[gate]

    def moved_inputs(self, step: Step) -> list[str]:
        """The step's inputs and locks that were changed, removed or added since they were read."""
        indices = sorted({*self.layout.inputs[step.id], *self.layout.locks[step.id]})
        moved = worktree.changed_files(self.worktree, indices)
        wanted = (*step.inputs, *step.locks)
        folders = patterns.folders(wanted, self.worktree.known.folders)
        added = sorted(worktree.added_files(self.worktree, folders))
        return moved + [added[at] for at in patterns.select(wanted, added)]

    def remember(self, results: Sequence[Result], words: Sequence[str]) -> None:
        """Keep all of this for the next run, and how to answer `words` while nothing changes.

        Without words, or when a file came, went or changed during the run, the next run looks
        again.
        """
        self._take_in(results)
        ran = [result.step for result in results if result.status in _RAN]
        known, stamp = self._settled(ran), self.ledger.stamp()
        # What another run appended meanwhile may say otherwise.
        is_read = stamp == self._stamp or (stamp is not None and stamp[0] == self.ledger.end)
        if known is None or not is_read:
            known, words, self._answers = self.worktree.known, (), {}
        said = {" ".join(words): report.summary(_all_held(results), seconds=None)} if words else {}
        made = self._made()
        memory = Memory(
            known=known,
            layout=self.layout,
            versions=self.versions,
            verdicts=self.verdicts,
            environment=self.environment,
            outputs={path: seen for path, seen in self.outputs.items() if path in made},
            stamp=stamp if is_read else (),  # which no ledger has
            answers={**self._answers, **said},
        )
        self.ledger.save()
        unseen = (f"{self.root}/{path}" for path in made - self.outputs.keys())
        watched = [
            *tools.watched(self.layout.tools.values(), cwd=self.root),
            *self.ledger.watched,
            *unseen,
        ]
        memory.save(self.root, watched)

    def _take_in(self, results: Sequence[Result]) -> None:
        """Let the verdicts be what the run has found."""
        for result in results:
            if result.status in _RAN:
                verdict = self.verdicts[result.step.id]
                evidence = evidence_of(result) if result else None
                self.verdicts[result.step.id] = verdict._replace(evidence=evidence)
                self._answers = {}

    def _made(self) -> set[str]:
        """The paths of the outputs that the evidence that holds speaks of."""
        evidence = (verdict.evidence for verdict in self.verdicts.values() if verdict.evidence)
        return {path for it in evidence for path in it.outputs}

    def _settled(self, ran: Iterable[Step]) -> Known | None:
        """The files as they were read, unless something happened to them since.

        Steps leave caches behind, which moves folders' times without moving a file: those of the
        folders they run in and read. What happened elsewhere is for the next run to see.
        """
        known = self.worktree.known
        start = len(known.paths)
        near: set[str] = set()
        for step in ran:
            near |= {step.cwd} | patterns.folders(step.inputs, known.folders)
        indices = [at for at, folder in enumerate(known.folders, start) if folder in near]
        now = stats.stats(f"{self.root}/{known.folders[at - start]}" for at in indices)
        if now == stats.of(known.numbers, indices):
            return known
        again = worktree.read(self.root, known)
        return again.known if again.changed == frozenset() else None

    def _read(self, memory: Memory, look: Look | None) -> Worktree:
        known = memory.known
        if known is None or look is None:
            return worktree.read(self.root, None)
        watched = len(known.paths) + len(known.folders)
        moved = [at for at in look.moved if at < watched]
        return worktree.read(self.root, known, moved, look.seen)

    def _outputs(self, memory: Memory, look: Look | None) -> Seen:
        """What is known of the outputs that were not touched since."""
        known = memory.known
        if known is None or look is None:
            return {}
        start = len(known.paths) + len(known.folders)
        touched = {memory.others[at - start] for at in look.moved if at >= start}
        return {
            path: seen
            for path, seen in memory.outputs.items()
            if f"{self.root}/{path}" not in touched
        }

    def _layout(self, memory: Memory) -> Layout:
        changed = self.worktree.changed
        if memory.layout and changed is not None:
            paths = self.worktree.known.paths
            if not {paths[at] for at in changed} & set(memory.layout.sources):
                return memory.layout
        from pipelines.planning.arrangement import arrange

        return arrange(self.root, self.worktree.known.paths, self.services.digest)

    def _versions(self, memory: Memory) -> dict[str, Version]:
        """The versions that are known of tools for which no variable is another since."""
        known = {}
        for name, version in memory.versions.items():
            env = self.layout.tools[name].env if name in self.layout.tools else ()
            if all(self.environment[it] == memory.environment.get(it) for it in env):
                known[name] = version
        return known

    def _variables(self) -> set[str]:
        """Every variable that can change a verdict, also by where programs and keys are."""
        always = {"PATH", "HOME", "XDG_CONFIG_HOME"}
        steps = self.layout.steps.values()
        secrets = {name + snapshot.HIDDEN for step in steps for name in step.secrets}
        asked = (tool.env for tool in self.layout.tools.values())
        return always.union(secrets, *(step.env for step in steps), *asked)

    def _verdicts(self, memory: Memory) -> dict[str, Verdict]:
        before = memory.verdicts
        if self._stamp != memory.stamp:
            before = {id_: verdict._replace(evidence=None) for id_, verdict in before.items()}
        changed = self.worktree.changed if self._is_as(memory) else None

        def touched(id_: str) -> bool:
            if changed is None:
                return True
            inputs, locks = self.layout.inputs[id_], self.layout.locks[id_]
            return not (changed.isdisjoint(inputs) and changed.isdisjoint(locks))

        return plan.evaluate(
            self.layout.steps,
            before=before,
            touched=touched,
            fingerprint=self.fingerprint,
            find=self.find,
        )

    def _is_as(self, memory: Memory) -> bool:
        """Whether all but the contents of files is as the last run found it."""
        return (self.layout, self.versions, self.environment) == (
            memory.layout,
            memory.versions,
            memory.environment,
        )

    def _contents(self, indices: Iterable[int]) -> dict[str, str]:
        paths, digests = self.worktree.known.paths, self.worktree.known.digests
        return {paths[at]: digests[at] for at in indices}


def _all_held(results: Sequence[Result]) -> list[Result]:
    """The results that the same run will have when nothing changes."""
    return [result._replace(status=Status.HELD) for result in results]
