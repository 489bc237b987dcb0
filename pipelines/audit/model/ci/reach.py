"""What a pipeline reaches: every command it runs, through make, scripts, packages and actions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines.audit.model import shell
from pipelines.audit.model.ci import conditions, gates, makefiles, packages
from pipelines.audit.model.ci.gates import Kind
from pipelines.audit.model.ci.makefiles import Makefile
from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.ci.workflows import Job, Step, Workflow
from pipelines.audit.model.shell import Command, Script
from pipelines.audit.place import Place
from pipelines.audit.tracked import join

if TYPE_CHECKING:
    from pipelines.audit.model import Model

_DEEPEST = 12  # make calls a script calls npm calls ...
_MOST = 20_000  # commands of one repository
_WORKSPACE = re.compile(
    r"^(\$GITHUB_WORKSPACE|\$\{GITHUB_WORKSPACE\}|\$\{\{ *github\.workspace *\}\})/*"
)


@dataclass(frozen=True)
class Reached:
    """One command that a step of a workflow runs.

    `chain` leads from the workflow's line to the command's own. `folder` is relative to the root,
    None when it cannot be told. `swallowed` counts what swallows the calls on the way, too.
    """

    command: Command
    chain: tuple[Place, ...]
    workflow: Workflow
    job: Job
    step: Step
    folder: str | None
    target: str = ""  # the make target or npm script it stands in
    source: str = "workflow"  # or "make", "package", "script"
    is_ignored: bool = False  # a `-` before the recipe's line
    swallowed_outside: str = ""  # by what a call on the way stands in
    is_dead: bool = False  # the job or step can never run
    home: Job | None = None  # where the step stands: the job, or an action's steps

    @property
    def place(self) -> Place:
        return self.command.place

    @property
    def can_fail(self) -> bool:
        return not (self.command.swallowed or self.is_ignored or self.swallowed_outside)


class Reach:
    """All that the workflows of a repository run."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._steps_left = _MOST

    @cached_property
    def commands(self) -> tuple[Reached, ...]:
        found: list[Reached] = []
        for workflow in self._model.workflows:
            if workflow.is_action:
                continue
            for reached in self._workflow(workflow, (), 0):
                found.append(reached)
                if len(found) >= _MOST:
                    return tuple(found)
        return tuple(found)

    def kind(self, command: Command) -> Kind | None:
        """Of which kind a command of a workflow is: by what it says, or else by what it runs."""
        return gates.called(command.words) or self._behind.get((command.place, command.words))

    @cached_property
    def _behind(self) -> Mapping[tuple[Place, tuple[str, ...]], Kind]:
        """The first gate that a command leads to, through a target, a package or a script."""
        found: dict[tuple[Place, tuple[str, ...]], Kind] = {}
        way: list[Reached] = []  # the calls that lead to the command, as they are told one by one
        for reached in self.commands:
            while way and len(way[-1].chain) >= len(reached.chain):
                way.pop()
            kind = gates.kind(reached.command.words)
            if kind is not None and kind is not Kind.BUILD:
                for caller in way:
                    found.setdefault((caller.place, caller.command.words), kind)
            way.append(reached)
        return found

    def _workflow(
        self, workflow: Workflow, chain: tuple[Place, ...], depth: int
    ) -> Iterator[Reached]:
        dead = dead_jobs(workflow)
        for job in workflow.jobs.values():
            for reached in self._job(workflow, job, chain, depth):
                yield replace(reached, is_dead=True) if job.id in dead else reached

    def _job(
        self, workflow: Workflow, job: Job, chain: tuple[Place, ...], depth: int
    ) -> Iterator[Reached]:
        if job.uses.startswith("./") and depth < _DEEPEST and not self._is_enough():
            other = self._workflows.get(join("", job.uses) or "")
            if other is not None:
                way = (*chain, job.uses_place or job.place)
                yield from self._workflow(other, way, depth + 1)
        for step in job.steps:
            is_dead = conditions.fold(step.condition, workflow) is False
            for reached in self._step(workflow, job, step, chain, depth):
                yield replace(reached, is_dead=True) if is_dead else reached

    def _step(
        self,
        workflow: Workflow,
        job: Job,
        step: Step,
        chain: tuple[Place, ...],
        depth: int,
        home: Job | None = None,
    ) -> Iterator[Reached]:
        if self._is_enough():
            return
        if step.uses.startswith("./") and depth < _DEEPEST:
            folder = join("", step.uses) or ""
            for name in ("action.yml", "action.yaml"):
                action = self._workflows.get(f"{folder}/{name}" if folder else name)
                if action is not None:
                    way = (*chain, step.uses_place or step.place)
                    runs = action.jobs["runs"]
                    for inner in runs.steps:
                        yield from self._step(workflow, job, inner, way, depth + 1, runs)
        if step.script is not None:
            nothing = Command((), step.place, "")
            at = _plain(step.folder)
            start = Reached(nothing, chain, workflow, job, step, at, home=home or job)
            yield from self._script(step.script, start, depth)

    def _is_enough(self) -> bool:
        """Whether workflows and actions use one another without end."""
        self._steps_left -= 1
        return self._steps_left < 0

    def _script(self, script: Script, start: Reached, depth: int) -> Iterator[Reached]:
        for command in script.commands:
            reached = replace(
                start,
                command=command,
                chain=(*start.chain, command.place),
                folder=within(start.folder, command.folder),
            )
            yield reached
            if depth < _DEEPEST and command.place not in start.chain:  # else a circle
                yield from self._through(reached, depth + 1)

    def _through(self, reached: Reached, depth: int) -> Iterator[Reached]:
        """What the command itself calls in this repository."""
        words = reached.command.words
        outside = reached.command.swallowed or ("-" if reached.is_ignored else "")
        start = replace(
            reached,
            swallowed_outside=reached.swallowed_outside or outside,
            is_ignored=False,
        )
        program = reached.command.program
        if program in ("make", "gmake"):
            yield from self._make(words, start, depth)
        elif program in packages.MANAGERS:
            yield from self._package(words, start, depth)
        else:
            yield from self._shell_script(words, start, depth)

    def _make(self, words: Sequence[str], start: Reached, depth: int) -> Iterator[Reached]:
        call = makefiles.call(words)
        folder = within(start.folder, call.folder)
        makefile = self.makefile(folder)
        if makefile is None:
            return
        seen: set[str] = set()
        for name in call.goals or (makefile.default,):
            yield from self._target(makefile, name, replace(start, folder=folder), depth, seen)

    def makefile(self, folder: str | None) -> Makefile | None:
        """The file that make reads in a folder."""
        if folder is None:
            return None
        at = f"{folder}/" if folder else ""
        found = (
            self._model.makefiles.get(f"{at}{name}")
            for name in ("GNUmakefile", "makefile", "Makefile")
        )
        return next((it for it in found if it is not None), None)

    def _target(
        self, makefile: Makefile, name: str, start: Reached, depth: int, seen: set[str]
    ) -> Iterator[Reached]:
        target = makefile.targets.get(name)
        if target is None or name in seen or depth > _DEEPEST:
            return
        seen.add(name)
        for other in target.needs:
            yield from self._target(makefile, other, start, depth + 1, seen)
        for line in target.recipe:
            inner = replace(start, target=name, source="make", is_ignored=line.is_ignored)
            yield from self._script(line.script, inner, depth)

    def _package(self, words: Sequence[str], start: Reached, depth: int) -> Iterator[Reached]:
        script, folder, package = packages.call(words)
        found = self.package(within(start.folder, folder), package)
        if found is None or not script:
            return
        for name in (f"pre{script}", script, f"post{script}"):
            if name in found.scripts:
                inner = replace(start, target=name, source="package", folder=found.folder)
                yield from self._script(found.scripts[name], inner, depth)

    def package(self, folder: str | None, name: str) -> Package | None:
        """The package of that name, or in that folder where there is no name."""
        if name:
            plain = name.strip("./")
            for each in self._model.packages.values():
                if name == each.name or plain == each.folder or each.folder.endswith(f"/{plain}"):
                    return each
            return None
        return self._model.packages.get(folder) if folder is not None else None

    def _shell_script(self, words: Sequence[str], start: Reached, depth: int) -> Iterator[Reached]:
        plain = [word for word in gates.bare(words) if not word.startswith("-")]
        if plain and plain[0] in shell.NAMES:
            plain = plain[1:]
        if not plain or start.folder is None:
            return
        path = join(start.folder, plain[0])
        if (
            path is None
            or path not in self._model.tracked
            or plain[0] == path.rpartition("/")[2] == ""
        ):
            return
        script = self._parsed(path)
        if script is not None:
            inner = replace(start, target="", source="script")
            yield from self._script(script, inner, depth)

    def _parsed(self, path: str) -> Script | None:
        """A shell script of the repository, by its first line or its name."""
        if path not in self._scripts:
            self._scripts[path] = read_script(self._model.tracked.text(path) or "", path)
        return self._scripts[path]

    @cached_property
    def _scripts(self) -> dict[str, Script | None]:
        return {}

    @cached_property
    def _workflows(self) -> Mapping[str, Workflow]:
        return {workflow.file: workflow for workflow in self._model.workflows}


def read_script(text: str, path: str) -> Script | None:
    """A file as a shell script; None for another language."""
    first = text.partition("\n")[0]
    is_shell = first.startswith("#!") and any(
        word.rpartition("/")[2] in shell.NAMES for word in first[2:].split()
    )
    if not is_shell and (first.startswith("#!") or not path.endswith((".sh", ".bash"))):
        return None
    stops = is_shell and any(word.startswith("-") and "e" in word for word in first[2:].split()[1:])
    return shell.parse(text, Place(path), stops_at_errors=stops)


def dead_jobs(workflow: Workflow) -> frozenset[str]:
    """The jobs that can never run: by their own condition, or as they need one that cannot."""
    dead = {
        id_
        for id_, job in workflow.jobs.items()
        if conditions.fold(job.condition, workflow) is False
    }
    waiting = sorted(dead)
    while waiting:
        for id_ in waiting_for(workflow, waiting.pop()):
            if id_ not in dead:
                dead.add(id_)
                waiting.append(id_)
    return frozenset(dead)


def waiting_for(workflow: Workflow, id_: str) -> list[str]:
    """The jobs that run only after this one has."""
    needed_by = workflow.needed_by.get(id_, ())
    return [it for it in needed_by if not _runs_anyway(workflow.jobs[it].condition)]


def _runs_anyway(condition: str) -> bool:
    """Whether a job runs although one that it needs was skipped."""
    return any(word in condition for word in ("always()", "cancelled()", "failure()"))


def _plain(folder: str) -> str | None:
    folder = _WORKSPACE.sub("./", folder)
    return None if "$" in folder else join("", folder or ".")


def within(folder: str | None, path: str) -> str | None:
    """Where `cd path` leads from a folder; None when that cannot be told."""
    if not path:
        return folder
    if _WORKSPACE.match(path):
        folder, path = "", _WORKSPACE.sub("./", path)
    if folder is None or "$" in path or path.startswith(("/", "~", "-")) or "GITHUB_" in path:
        return None
    return join(folder, path)
