"""Gates that cannot fail, or that nobody runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.ci import gates, suites
from pipelines.audit.model.ci.gates import Kind
from pipelines.audit.model.ci.makefiles import Line
from pipelines.audit.model.ci.reach import Reached, read_script
from pipelines.audit.model.ci.unrun import Unrun, unrun
from pipelines.audit.model.ci.workflows import Job, Step
from pipelines.audit.model.nodes import Node
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.shell import Command, Script
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule

_WEAK = ("pipe", "no set -e", "&", "&&")  # an oversight, and not always one
_SAYS = frozenset(("echo", "printf", "true", ":", "exit", "return"))
_HOOKS = ("pre-commit", "prek")
_COMMITS = ("git commit", "create-pull-request", "git-auto-commit", "add-and-commit")
# What of an action's inputs makes it succeed whatever it finds.
_EXCUSES = {
    "exit-code": ("0",),
    "exit_code": ("0",),
    "soft_fail": ("true",),
    "soft-fail": ("true",),
    "no-fail": ("true",),
    "fail-build": ("false",),
    "fail_on_error": ("false",),
    "fail-on-error": ("false",),
}


@rule("GATE001", "ci-swallow", Severity.HIGH)
def swallowed_in_ci(model: Model) -> Iterator[Fault]:
    """A gate in CI passes whatever it finds.

    Why: `|| true` behind a test, a linter or a type check turns its failure into success. The
    pipeline is green, and everybody believes that it was checked.

    Example:

        - name: mypy
          run: make mypy || true

    Mend: Let the command's exit code be the step's. What must not block yet belongs into a job of
    its own that is not required, where everybody sees it red.
    """
    seen: set[Place] = set()
    for fault in (*_in_commands(model), *_in_actions(model)):
        if fault.place not in seen:
            seen.add(fault.place)
            yield fault


def _in_commands(model: Model) -> Iterator[Fault]:
    for reached in model.reach.commands:
        if reached.source in ("workflow", "script"):
            fault = _swallowed(reached, model.reach.kind(reached.command))
            if fault is not None:
                yield fault


def _swallowed(reached: Reached, kind: Kind | None) -> Fault | None:
    command = reached.command
    lost = _lost(command, kind)
    home = reached.home or reached.job
    if lost is None or reached.step.id in home.asked or _is_fixer(reached):
        return None
    reason, at = lost
    is_weak = reason in _WEAK
    is_told = _is_published(home, reached.step)
    return Fault(
        at,
        f"{_shown(command)} cannot fail: {_told(reason)}",
        _remedy(reason) if is_weak else f"remove `{reason}`",
        also=tuple(Also(place, "reached from here") for place in reached.chain[:1] if place != at),
        severity=Severity.LOW if is_weak or is_told else None,
        confidence=Confidence.MEDIUM if is_weak else None,
    )


def _is_fixer(reached: Reached) -> bool:
    """Whether hooks are run for what they change, which the job then commits."""
    plain = gates.bare(reached.command.words)
    if not plain or plain[0] not in _HOOKS:
        return False
    return any(
        sign in text
        for step in reached.job.steps
        for text in (step.uses, step.node["run"].text)
        for sign in _COMMITS
    )


def _lost(command: Command, kind: Kind | None) -> tuple[str, Place] | None:
    """What swallows a gate's failure, and where; None for what is no gate, or can fail."""
    if command.is_captured or kind is None:
        return None
    if command.swallowed:
        is_behind = command.swallowed.startswith("||")
        at = command.swallowed_at if is_behind else None
        return command.swallowed, at or command.place
    excuse = gates.excused(command.words)
    if excuse is None:
        return None
    which, reason = excuse
    return reason, command.places[which] if which < len(command.places) else command.place


def _in_actions(model: Model) -> Iterator[Fault]:
    for workflow in model.workflows:
        for job in workflow.jobs.values():
            for step in job.steps:
                excuse = _excuse(step)
                if excuse is not None and step.id not in job.asked:
                    name, node = excuse
                    is_told = _is_published(job, step)
                    yield Fault(
                        node.key_place,
                        f"step `{step.name or step.uses}` cannot fail: `{name}: {node.text}`",
                        f"remove `{name}`, or fail by what is found",
                        severity=Severity.LOW if is_told else Severity.MEDIUM,
                    )


def _excuse(step: Step) -> tuple[str, Node] | None:
    if gates.kind_of_action(step.uses) is None:
        return None
    inputs = step.node["with"].fields
    return next(
        ((name, it) for name, it in inputs.items() if it.text.lower() in _EXCUSES.get(name, ())),
        None,
    )


def _is_published(job: Job, step: Step) -> bool:
    """Whether what the step finds is handed to code scanning."""
    return job.publishes and "sarif" in f"{step.node['run'].text} {step.inputs}".lower()


def _shown(command: Command) -> str:
    words = " ".join(gates.bare(command.words))
    return f"`{words if len(words) <= 60 else f'{words[:60]}...'}`"


def _told(reason: str) -> str:
    match reason:
        case "pipe":
            return "only the last command of the pipe is asked"
        case "no set -e":
            return "the script goes on after it, and ends as its last command does"
        case "&":
            return "it runs in the background and nobody waits for it"
        case "&&":
            return "the loop goes on after it, as it is not the last of its `&&`"
        case "set +e":
            return "`set +e` stands before it"
    if reason.startswith("-"):
        return f"`{reason}` ends it with success"
    return f"`{reason}` swallows its failure"


def _remedy(reason: str) -> str:
    if reason == "pipe":
        return "set `shell: bash`, which adds pipefail, or `set -o pipefail`"
    if reason == "&&":
        return "write each command on a line of its own, or run it in a subshell: `(cd x && y)`"
    return "begin the script with `set -e`" if reason == "no set -e" else "wait for it"


@rule("GATE002", "make-swallow", Severity.HIGH)
def swallowed_in_make(model: Model) -> Iterator[Fault]:
    """A recipe's gate passes whatever it finds.

    Why: CI that calls `make test` is only as strict as the recipe. A `|| true` or a leading `-`
    there is out of sight of everybody who reads the workflow.

    Example:

        test:
            cd apps/fabric && python -m pytest tests/ || true

    Mend: Remove `|| true`, or the `-`; several suites are run to the end by `make --keep-going`.
    """
    reached = {it.command.place: it for it in reversed(model.reach.commands) if it.source == "make"}
    reached |= {place: it for place, it in reached.items() if not it.is_dead}
    seen: set[Place] = set()
    for makefile in model.makefiles.values():
        for target in makefile.targets.values():
            for line in target.recipe:
                found = _lost_in_recipe(line)
                if found is not None and line.place not in seen:  # included files are in several
                    seen.add(line.place)
                    command, reason = found
                    yield _recipe_fault(target.name, command, reason, reached.get(command.place))


def _lost_in_recipe(line: Line) -> tuple[Command, str] | None:
    for command in line.script.commands:
        if command.is_captured or gates.called(command.words) is None:
            continue
        if line.is_ignored and not command.swallowed:
            return command, "-"
        lost = _lost(command, gates.called(command.words))
        if lost is not None:
            return command, lost[0]
    return None


def _recipe_fault(target: str, command: Command, reason: str, reached: Reached | None) -> Fault:
    is_weak = reason in _WEAK
    said = "a leading `-` makes make go on" if reason == "-" else _told(reason)
    return Fault(
        command.place,
        f"{_shown(command)} in target `{target}`, {_who_runs(reached)}, cannot fail: {said}",
        _remedy(reason) if is_weak else f"remove `{reason}`",
        also=(Also(reached.chain[0], "CI runs it from here"),) if reached else (),
        severity=Severity.LOW if is_weak or not reached else None,
    )


def _who_runs(reached: Reached | None) -> str:
    if reached is None:
        return "which no workflow runs"
    if reached.is_dead:
        return f"which the job `{reached.job.id}` would run if it ever ran"
    return "which CI runs"


@rule("GATE003", "continue-on-error", Severity.MEDIUM)
def continues_on_error(model: Model) -> Iterator[Fault]:
    """A gate may fail without failing its job.

    Why: `continue-on-error` leaves a green mark on a job whose tests are red.

    Example:

        - run: pytest
          continue-on-error: true

    Mend: Remove it, or look at `steps.<id>.outcome` in a later step that fails.
    """
    for workflow in model.workflows:
        for job in workflow.jobs.values():
            if job.continues is not None and job.continues.is_true:
                kinds = [kind for step in job.steps if (kind := _step_kind(model, step))]
                if kinds and job.id not in workflow.asked:
                    yield _continues(job.continues, f"job `{job.id}`", kinds[0])
            for step in job.steps:
                kind = _step_kind(model, step)
                on = step.continues
                if on is not None and on.is_true and kind and step.id not in job.asked:
                    name = step.name or step.uses or "the step"
                    is_told = _is_published(job, step)
                    yield _continues(on, f"step `{name}`", kind, is_told=is_told)


def _continues(on: Node, what: str, kind: Kind, *, is_told: bool = False) -> Fault:
    place = on.key_place
    name = "allow_failure" if place.file.startswith(".gitlab") else "continue-on-error"
    return Fault(
        place,
        f"{what} ({kind.value}) may fail without failing CI",
        f"remove `{name}`, or fail later by the outcome",
        severity=Severity.LOW if is_told else None,
    )


def _step_kind(model: Model, step: Step) -> Kind | None:
    if step.script is None:
        return gates.kind_of_action(step.uses)
    kinds = map(model.reach.kind, step.script.commands)
    return next((kind for kind in kinds if kind is not None), None)


@rule("GATE004", "stub-script", Severity.MEDIUM)
def stub(model: Model) -> Iterator[Fault]:
    """A script that is called test or lint checks nothing.

    Why: `"test": "echo 'no tests yet' && exit 0"` makes a missing check look like a passed one.

    Example:

        "scripts": { "test": "echo \\"No tests yet\\" && exit 0" }

    Mend: Run real checks, or remove the script, so that whoever calls it is told.
    """
    files = suites.javascript_files(model.tracked) if model.packages else []
    for package in model.packages.values():
        for name, script in package.scripts.items():
            kind = gates.kind_of_name(name)
            if kind is None:
                continue
            if _is_stub(script):
                yield _stub(script.place, f"script `{name}`", kind)
            elif (
                kind is Kind.TEST
                and _passes_without(script)
                and not _are_below(files, package.folder)
            ):
                yield Fault(
                    script.place,
                    f"script `{name}` passes without tests, and there are none",
                    "write the first test, and remove the option",
                    severity=Severity.LOW,
                )
            elif lost := _loses(script):
                yield Fault(
                    script.place,
                    f"script `{name}` succeeds whatever its {kind.value} find: {_told(lost)}",
                    f"remove `{lost}`",
                )
    for makefile in model.makefiles.values():
        for target in makefile.targets.values():
            kind = gates.kind_of_name(target.name)
            lines = [line.script for line in target.recipe]
            is_own = target.place.file == makefile.file and not target.needs
            if kind and is_own and lines and all(map(_is_stub, lines)):
                yield _stub(target.place, f"target `{target.name}`", kind)
    yield from _stub_files(model)


def _stub_files(model: Model) -> Iterator[Fault]:
    for path in model.tracked.paths:
        name = path.rpartition("/")[2]
        if not name.endswith(".sh") or role(path) in (Role.VENDORED, Role.EXAMPLE):
            continue
        kind = gates.kind_of_name(name.removesuffix(".sh"))
        if kind is None:
            continue
        script = read_script(model.tracked.text(path) or "", path)
        if script is not None and script.commands and _is_stub(script):
            yield _stub(Place(path), "the script", kind)


def _stub(place: Place, what: str, kind: Kind) -> Fault:
    return Fault(
        place, f"{what} runs no {kind.value} and always succeeds", f"run real {kind.value} in it"
    )


def _is_stub(script: Script) -> bool:
    """Whether a text only says something, and ends with success."""
    if script.is_broken or not all(it.program in _SAYS for it in script.commands):
        return False
    ends = [it.words[1:2] for it in script.commands if it.program in ("exit", "return")]
    return bool(script.commands) and all(end in ([], ("0",), ["0"]) for end in ends)


def _are_below(files: Sequence[str], folder: str) -> bool:
    return any(path.startswith(f"{folder}/" if folder else "") for path in files)


def _passes_without(script: Script) -> bool:
    words = {word for it in script.commands for word in it.words}
    return not words.isdisjoint(("--passWithNoTests", "--pass-with-no-tests"))


def _loses(script: Script) -> str:
    """What makes a script's own gates succeed."""
    found = [it for it in script.commands if gates.kind(it.words) is not None]
    lost = [it.swallowed for it in found if it.swallowed.startswith(("||", ";"))]
    excuses = [excuse[1] for it in found if (excuse := gates.excused(it.words))]
    return (lost or excuses)[0] if found and len(lost) + len(excuses) >= len(found) else ""


@rule("GATE005", "gate-not-run", Severity.MEDIUM, Confidence.MEDIUM)
def not_run(model: Model) -> Iterator[Fault]:
    """Tests or checks are there, and no step of CI runs them.

    Why: A suite that nobody runs rots; a linter that is configured and not run promises what it
    does not keep.

    Example:

        apps/api/tests/test_health.py     # CI runs `pytest apps/fabric/tests` alone

    Mend: Call it in CI, by the same command that developers type.
    """
    for it in unrun(model):
        yield _unrun(it)


def _unrun(it: Unrun) -> Fault:
    also: Sequence[Also] = (Also(it.instead, it.why_not),) if it.instead else ()
    why = f": {it.why_not}" if it.why_not and not it.instead else ""
    return Fault(
        it.place,
        f"{it.what} {'is' if it.is_one else 'are'} run by no step of CI{why}",
        it.remedy,
        also=tuple(also),
        severity=it.severity,
    )


RULES: tuple[Rule, ...] = (
    swallowed_in_ci,
    swallowed_in_make,
    continues_on_error,
    stub,
    not_run,
)
