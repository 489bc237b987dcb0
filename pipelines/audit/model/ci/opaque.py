"""What CI runs and does not show: commands and actions behind which any gate may hide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipelines.audit.model import shell
from pipelines.audit.model.ci import gates, makefiles, packages
from pipelines.audit.model.ci.gates import Kind
from pipelines.audit.model.ci.reach import Reached, read_script, within
from pipelines.audit.model.ci.workflows import Job, Step
from pipelines.audit.tracked import join

if TYPE_CHECKING:
    from pipelines.audit.model import Model

_ALL = frozenset(Kind)
_STYLE = frozenset((Kind.LINT, Kind.TYPES, Kind.FORMAT, Kind.SECURITY))
_NONE: frozenset[Kind] = frozenset()
# Programs that run what a file of theirs says, which is not read here.
_PROGRAMS = frozenset(
    [
        "act",
        "bazel",
        "bazelisk",
        "buck2",
        "cmake",
        "ctest",
        "dagger",
        "devcontainer",
        "devenv",
        "doit",
        "earthly",
        "gradle",
        "gradlew",
        "hatch",
        "inv",
        "invoke",
        "just",
        "lerna",
        "mage",
        "mise",
        "moon",
        "mvn",
        "mvnw",
        "ninja",
        "nix",
        "nox",
        "nx",
        "pants",
        "rake",
        "scons",
        "task",
        "tox",
        "turbo",
        "xtask",
    ]
)
_EVERYWHERE = frozenset(
    ("-r", "--recursive", "--workspaces", "-ws", "--filter", "-F", "workspaces")
)
_CHECKS = re.compile(r"test|lint|check|mypy|ruff|flake8")
_ENDS_WITH_ONE = frozenset(("--exit-code-from", "--abort-on-container-exit"))  # `compose up`
_STYLE_ACTIONS = (
    "super-linter/",
    "github/super-linter",
    "oxsecurity/megalinter",
    "pre-commit/action",
    "pre-commit-ci/",
    "trunk-io/",
)
_ANY_ACTIONS = ("devcontainers/ci", "docker://", "wntrblm/nox", "gradle/", "earthly/")


def hidden(model: Model, reached: Sequence[Reached]) -> frozenset[Kind]:
    """The kinds of gates of which it cannot be told whether CI runs them."""
    found: set[Kind] = set()
    commands = (_by_command(model, it) for it in reached)
    for kinds in (*_by_actions(model), *commands, *_by_images(model, reached)):
        found |= kinds
        if found == _ALL:
            break
    return frozenset(found)


def _by_images(model: Model, reached: Sequence[Reached]) -> Iterator[frozenset[Kind]]:
    """A Dockerfile may test what it builds."""
    is_built = any(gates.kind(it.command.words) is Kind.BUILD for it in reached) or any(
        gates.kind_of_action(step.uses) is Kind.BUILD
        for workflow in model.workflows
        for job in workflow.jobs.values()
        for step in job.steps
    )
    for dockerfile in model.dockerfiles.values() if is_built else ():
        for stage in dockerfile.stages:
            for it in stage.instructions:
                if it.name == "RUN" and _CHECKS.search(it.text):
                    script = shell.parse(it.text, it.text_place)
                    yield frozenset(
                        kind for each in script.commands if (kind := gates.called(each.words))
                    ) - {Kind.BUILD}


def _by_actions(model: Model) -> Iterator[frozenset[Kind]]:
    known = {workflow.file for workflow in model.workflows}
    for workflow in model.workflows:
        for job in workflow.jobs.values():
            yield _by_job(job, known)
            for step in job.steps:
                yield _by_step(step, known)


def _by_job(job: Job, known: set[str]) -> frozenset[Kind]:
    if not job.uses or (join("", job.uses) in known and job.uses.startswith("./")):
        return _NONE
    return _ALL  # a workflow of another repository


def _by_step(step: Step, known: set[str]) -> frozenset[Kind]:
    if step.uses.startswith("./"):
        folder = join("", step.uses)
        names = (f"{folder}/{name}" if folder else name for name in ("action.yml", "action.yaml"))
        return _NONE if known.intersection(names) else _ALL  # a program of the repository
    if step.uses.startswith(_STYLE_ACTIONS):
        return _STYLE
    if step.uses.startswith(_ANY_ACTIONS) or "/.github/" in step.uses:
        return _ALL
    return _ALL if step.node["run"] and step.script is None else _NONE  # another shell's


def _by_command(model: Model, reached: Reached) -> frozenset[Kind]:
    plain = gates.bare(reached.command.words)
    if not plain:
        return _NONE
    program = plain[0].rpartition("/")[2]
    if program in ("pre-commit", "prek"):
        return _STYLE
    if program in _PROGRAMS or program.startswith(("$", "GITHUB_EXPRESSION")):
        return _ALL
    if reached.command.program in ("docker", "docker-compose"):
        return _ALL if _is_container(reached.command.words, plain) else _NONE
    if program in ("make", "gmake"):
        return _ALL if _has_lost_goal(model, reached, plain) else _NONE
    if program in packages.MANAGERS:
        return _ALL if _has_lost_script(model, reached, plain) else _NONE
    return _ALL if _is_own_program(model, reached, plain) else _NONE


def _is_container(words: Sequence[str], plain: Sequence[str]) -> bool:
    """Whether a container is started for what it does, and not to serve others."""
    if "up" in words:
        return not _ENDS_WITH_ONE.isdisjoint(words)
    if "build" in words:
        targets = (word.partition("=")[2] for word in words if word.startswith("--target="))
        named = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--target"]
        return any(gates.kind_of_name(it) is not None for it in (*targets, *named))
    is_run = any(word in ("run", "exec", "bake") for word in words)
    is_service = not {"-d", "--detach", "-td", "-itd", "-dit"}.isdisjoint(words)
    return is_run and not is_service and gates.kind(plain) is None


def _has_lost_goal(model: Model, reached: Reached, plain: Sequence[str]) -> bool:
    """Whether make is asked for what no Makefile here is known to make, as patterns do."""
    call = makefiles.call(plain)
    makefile = model.reach.makefile(within(reached.folder, call.folder))
    return makefile is None or any(goal not in makefile.targets for goal in call.goals)


def _has_lost_script(model: Model, reached: Reached, plain: Sequence[str]) -> bool:
    if not _EVERYWHERE.isdisjoint(plain) or any(word in _PROGRAMS for word in plain[1:]):
        return True
    script, folder, name = packages.call(plain)
    if not script or "--if-present" in plain:
        return False
    package = model.reach.package(within(reached.folder, folder), name)
    return package is None or (script not in package.scripts and gates.kind(plain[1:]) is None)


def _is_own_program(model: Model, reached: Reached, plain: Sequence[str]) -> bool:
    """Whether it starts a program of the repository that is no shell script, or a lost one."""
    if gates.kind(plain) is not None:
        return False
    words = [word for word in plain if not word.startswith("-")]
    if words and words[0] in shell.NAMES:
        words = words[1:]
    name = words[0] if words else ""
    if "/" not in name and "." not in name:
        return False
    path = join(reached.folder, name) if reached.folder is not None else None
    if path is not None and path in model.tracked:
        return read_script(model.tracked.text(path) or "", path) is None
    stem = name.rpartition("/")[2].partition(".")[0]
    return gates.kind_of_name(stem) is not None
