"""Gates that cannot fail, or that nobody runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model, gates
from pipelines.audit.model.gates import Kind
from pipelines.audit.model.reach import Reached, read_script
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.shell import Command, Script
from pipelines.audit.model.unrun import Unrun, unrun
from pipelines.audit.model.workflows import Job, Step
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule

_CALLS = frozenset(("make", "gmake", "npm", "yarn", "pnpm", "bun"))
_ZERO = ("--exit-zero", "--exit-0", "--fail-under=0", "--no-error-on-unmatched-pattern=0")
_WEAK = ("pipe", "no set -e", "&")  # an oversight, and not always one
_SAYS = frozenset(("echo", "printf", "true", ":", "exit", "return"))
# Actions that are gates by themselves.
_GATE_ACTIONS = (
    "golangci/golangci-lint-action",
    "psf/black",
    "aquasecurity/trivy-action",
    "anchore/scan-action",
    "github/codeql-action/analyze",
    "gitleaks/gitleaks-action",
    "hadolint/hadolint-action",
    "pre-commit/action",
    "astral-sh/ruff-action",
    "pypa/gh-action-pip-audit",
    "snyk/actions",
    "docker/build-push-action",
)


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
    for reached in model.reach.commands:
        if reached.source not in ("workflow", "script"):
            continue
        fault = _swallowed(model, reached)
        if fault is not None and fault.place not in seen:
            seen.add(fault.place)
            yield fault


def _swallowed(model: Model, reached: Reached) -> Fault | None:
    command = reached.command
    kind = _kind(model, reached)
    if kind is None or command.is_captured or _is_asked_later(reached):
        return None
    reason, at = command.swallowed, command.swallowed_at or command.place
    zero = next((word for word in command.words if word in _ZERO), "")
    if not reason and zero:
        reason, at = zero, command.place
    if not reason:
        return None
    severity = Severity.LOW if reason in _WEAK else None
    return Fault(
        at if reason.startswith("||") else command.place,
        f"{_shown(command)} cannot fail: {_told(reason)}",
        f"remove `{reason}`" if reason not in _WEAK else _remedy(reason),
        also=tuple(Also(place, "reached from here") for place in reached.chain[:1] if place != at),
        severity=severity,
        confidence=Confidence.MEDIUM if severity is Severity.LOW else None,
    )


def _kind(model: Model, reached: Reached) -> Kind | None:
    """The kind of gate a command is, itself or by what it calls."""
    command = reached.command
    found = gates.kind(command.words)
    if found is not None or command.program not in _CALLS:
        return found
    names = [word for word in command.words[1:] if not word.startswith("-") and "=" not in word]
    named = [kind for kind in map(gates.kind_of_name, names) if kind is not None]
    return named[0] if named else None


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
        case "set +e":
            return "`set +e` stands before it"
        case "--exit-zero":
            return "`--exit-zero` ends it with success"
    return f"`{reason}` swallows its failure"


def _remedy(reason: str) -> str:
    if reason == "pipe":
        return "set `shell: bash`, which adds pipefail, or `set -o pipefail`"
    return "begin the script with `set -e`" if reason == "no set -e" else "wait for it"


def _is_asked_later(reached: Reached) -> bool:
    """Whether a later step of the job looks at this step's outcome."""
    return _is_asked(reached.job, reached.step)


def _is_asked(job: Job, step: Step) -> bool:
    if not step.id:
        return False
    wanted = (f"steps.{step.id}.outcome", f"steps.{step.id}.conclusion", f"steps.{step.id}.outputs")
    return any(
        any(word in text for word in wanted)
        for other in job.steps
        if other is not step
        for text in (other.condition, other.node["run"].text, _environment_of(other))
    )


def _environment_of(step: Step) -> str:
    return " ".join(
        node.text for node in (*step.environment.values(), *step.node["with"].fields.values())
    )


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
    for makefile in model.makefiles.values():
        for target in makefile.targets.values():
            for line in target.recipe:
                found = _lost_in_recipe(line.script, is_ignored=line.is_ignored)
                if found is not None and line.place.file == makefile.file:
                    command, reason = found
                    yield _recipe_fault(target.name, command, reason, reached.get(command.place))


def _lost_in_recipe(script: Script, *, is_ignored: bool) -> tuple[Command, str] | None:
    for command in script.commands:
        is_gate = gates.kind(command.words) is not None or _calls_gate(command)
        if not is_gate or command.is_captured:
            continue
        zero = next((word for word in command.words if word in _ZERO), "")
        reason = command.swallowed or ("-" if is_ignored else "") or zero
        if reason:
            return command, reason
    return None


def _calls_gate(command: Command) -> bool:
    return command.program in _CALLS and any(
        gates.kind_of_name(word) is not None for word in command.words[1:]
    )


def _recipe_fault(target: str, command: Command, reason: str, reached: Reached | None) -> Fault:
    is_weak = reason in _WEAK
    said = "a leading `-` makes make go on" if reason == "-" else _told(reason)
    where = "which CI runs" if reached else "which no workflow runs"
    return Fault(
        command.place,
        f"{_shown(command)} in target `{target}`, {where}, cannot fail: {said}",
        _remedy(reason) if is_weak else f"remove `{reason}`",
        also=(Also(reached.chain[0], "CI runs it from here"),) if reached else (),
        severity=Severity.LOW if is_weak or not reached else None,
    )


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
                if kinds:
                    yield _continues(job.continues.key_place, f"job `{job.id}`", kinds[0])
            for step in job.steps:
                kind = _step_kind(model, step)
                on = step.continues
                if on is not None and on.is_true and kind and not _is_asked(job, step):
                    name = step.name or step.uses or "the step"
                    yield _continues(on.key_place, f"step `{name}`", kind)


def _continues(place: Place, what: str, kind: Kind) -> Fault:
    return Fault(
        place,
        f"{what} ({kind.value}) may fail without failing CI",
        "remove `continue-on-error`, or fail later by the step's outcome",
    )


def _step_kind(model: Model, step: Step) -> Kind | None:
    if step.script is None:
        is_gate = step.uses.startswith(_GATE_ACTIONS)
        return Kind.SECURITY if is_gate else None
    for command in step.script.commands:
        kind = gates.kind(command.words)
        if kind is not None:
            return kind
        if command.program in _CALLS:
            for word in command.words[1:]:
                named = gates.kind_of_name(word)
                if named is not None and not word.startswith("-"):
                    return named
    return None


@rule("GATE004", "stub-script", Severity.MEDIUM)
def stub(model: Model) -> Iterator[Fault]:
    """A script that is called test or lint checks nothing.

    Why: `"test": "echo 'no tests yet' && exit 0"` makes a missing check look like a passed one.

    Example:

        "scripts": { "test": "echo \\"No tests yet\\" && exit 0" }

    Mend: Run real checks, or remove the script, so that whoever calls it is told.
    """
    for package in model.packages.values():
        for name, script in package.scripts.items():
            kind = gates.kind_of_name(name)
            if kind is None:
                continue
            if _is_stub(script):
                yield _stub(script.place, f"script `{name}`", kind)
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


def _loses(script: Script) -> str:
    """What makes a script's own gates succeed."""
    found = [it for it in script.commands if gates.kind(it.words) is not None]
    lost = [it.swallowed for it in found if it.swallowed.startswith(("||", ";"))]
    zero = [word for it in found for word in it.words if word in _ZERO]
    return (lost or zero)[0] if found and len(lost) + len(zero) >= len(found) else ""


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
    return Fault(
        it.place,
        f"{it.what} {'is' if it.is_one else 'are'} run by no step of CI",
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
