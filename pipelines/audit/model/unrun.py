"""Tests and checks that a repository has, and that its pipeline does not run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from pipelines.audit.findings import Severity
from pipelines.audit.model import gates
from pipelines.audit.model.gates import Kind
from pipelines.audit.model.node import Package
from pipelines.audit.model.reach import Reached, read_script
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place
from pipelines.audit.tracked import join

if TYPE_CHECKING:
    from pipelines.audit.model import Model

# What may run anything: what it does cannot be told from its words.
_OPAQUE = frozenset(
    (
        "tox",
        "nox",
        "just",
        "task",
        "invoke",
        "inv",
        "bazel",
        "bazelisk",
        "earthly",
        "dagger",
        "gradle",
        "gradlew",
        "mvn",
        "mvnw",
        "rake",
        "turbo",
        "nx",
        "lerna",
        "moon",
        "mage",
        "doit",
        "hatch",
        "devenv",
        "nix",
        "act",
        "ctest",
        "pants",
        "pre-commit",
        "buck2",
        "scons",
        "ninja",
        "cmake",
        "devcontainer",
        "xtask",
        "mise",
    )
)
_EVERYWHERE = frozenset(
    ("-r", "--recursive", "--workspaces", "-ws", "--filter", "-F", "workspaces")
)
_OPAQUE_ACTIONS = (
    "super-linter/",
    "github/super-linter",
    "oxsecurity/megalinter",
    "pre-commit/action",
    "devcontainers/ci",
    "nick-fields/retry",
)
_OTHER_CI = (
    ".gitlab-ci.yml",
    "Jenkinsfile",
    ".travis.yml",
    "azure-pipelines.yml",
    ".drone.yml",
    "bitbucket-pipelines.yml",
    ".circleci/config.yml",
    ".buildkite/pipeline.yml",
    "appveyor.yml",
    ".cirrus.yml",
    "cloudbuild.yaml",
    ".woodpecker.yml",
)
_COMPONENT = frozenset(
    ("requirements.txt", "pyproject.toml", "setup.py", "package.json", "Dockerfile", "setup.cfg")
)
_PYTHON_TESTS = frozenset(("pytest", "py.test", "unittest", "nose2", "trial", "stestr"))
_TEST = re.compile(r"^\s*(async )?def test|^class \w*Test|^class \w+\(.*TestCase", re.MULTILINE)
_JS_TEST = re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$")
_VARIABLE = re.compile(r"\$\{?\w+\}?")
_KINDS = (Kind.LINT, Kind.TYPES, Kind.FORMAT)
_CONFIGS = {
    "mypy.ini": Kind.TYPES,
    "pyrightconfig.json": Kind.TYPES,
    ".flake8": Kind.LINT,
    "ruff.toml": Kind.LINT,
    ".ruff.toml": Kind.LINT,
    ".pylintrc": Kind.LINT,
}


class Unrun(NamedTuple):
    """A gate that no step of CI runs; `instead` is a place that might have."""

    place: Place
    what: str
    remedy: str
    is_one: bool = True
    severity: Severity | None = None
    instead: Place | None = None
    why_not: str = ""


def unrun(model: Model) -> Iterator[Unrun]:
    """Every suite, and every other gate, that CI does not run; nothing where it cannot be told."""
    if any(path in model.tracked for path in _OTHER_CI):
        return
    reached = [it for it in model.reach.commands if not it.is_dead]
    if any(_is_opaque(model, it) for it in reached) or _has_opaque_action(model):
        return
    if not any(gates.kind(it.command.words) for it in reached):
        yield from _no_pipeline(model)
        return
    yield from _suites(model, reached)
    yield from _scripts(model, reached)
    yield from _configured(model, reached)


def _is_opaque(model: Model, reached: Reached) -> bool:
    """Whether a command may run gates that are not seen."""
    plain = gates.bare(reached.command.words)
    if not plain or (reached.source == "make" and plain[0] == "make"):
        return False
    program = plain[0].rpartition("/")[2]
    if program in _OPAQUE or program.startswith(("$", "GITHUB_EXPRESSION")):
        return True
    if reached.command.program in ("docker", "docker-compose"):
        is_run = any(word in ("run", "exec", "bake") for word in reached.command.words)
        return is_run and gates.kind(plain) is None
    if program in ("npm", "pnpm", "yarn", "bun"):
        return not _EVERYWHERE.isdisjoint(plain) or any(word in _OPAQUE for word in plain[1:])
    return _runs_own_program(model, reached, plain)


def _runs_own_program(model: Model, reached: Reached, plain: Sequence[str]) -> bool:
    """Whether it starts a program of the repository that is no shell script."""
    if reached.folder is None or gates.kind(plain) is not None:
        return False
    path = join(reached.folder, plain[0])
    if path is None or path not in model.tracked or ("/" not in plain[0] and "." not in plain[0]):
        return False
    return read_script(model.tracked.text(path) or "", path) is None


def _has_opaque_action(model: Model) -> bool:
    return any(
        step.uses.startswith(_OPAQUE_ACTIONS)
        for workflow in model.workflows
        for job in workflow.jobs.values()
        for step in job.steps
    )


def _no_pipeline(model: Model) -> Iterator[Unrun]:
    suites = _test_files(model)
    if suites:
        first = min(suites)
        yield Unrun(
            Place(first),
            f"{len(suites)} test file{'s' if len(suites) > 1 else ''}, as there is no CI,",
            "add a workflow that runs the tests",
            is_one=len(suites) == 1,
            severity=Severity.LOW,
        )


def _test_files(model: Model) -> list[str]:
    return [
        path
        for path in model.tracked.paths
        if path.endswith(".py")
        and _is_python_test(path.rpartition("/")[2])
        and not _is_somebody_elses(path)
        and _TEST.search(model.tracked.text(path) or "")
    ]


def _is_python_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py")


def _is_somebody_elses(path: str) -> bool:
    """Vendored, a template's or an example's own tests, or data of a test."""
    folders = path.split("/")[:-1]
    return role(path) in (Role.VENDORED, Role.EXAMPLE, Role.DOCUMENT) or any(
        it in ("fixtures", "testdata", "data", "templates", "examples") for it in folders
    )


def _suites(model: Model, reached: Sequence[Reached]) -> Iterator[Unrun]:
    """Folders of Python tests that no command of CI looks into."""
    commands = [it for it in reached if _tests_python(it)]
    roots = [root for it in commands for root in _looked_into(model, it)]
    if None in roots:
        return
    groups: dict[str, list[str]] = {}
    for path in _test_files(model):
        if not any(_is_below(path, root or "") for root in roots):
            groups.setdefault(_component(model, path), []).append(path)
    for component, paths in sorted(groups.items()):
        where = f"of `{component}` " if component else ""
        yield Unrun(
            Place(paths[0]),
            f"the tests {where}({len(paths)} file{'s' if len(paths) > 1 else ''})",
            "run them in CI",
            is_one=False,
            instead=commands[0].chain[0] if commands else None,
            why_not="this runs other tests" if commands else "",
        )


def _tests_python(reached: Reached) -> bool:
    plain = gates.bare(reached.command.words)
    program = plain[0].rpartition("/")[2] if plain else ""
    return program in _PYTHON_TESTS or (program == "manage.py" and "test" in plain[1:2])


def _looked_into(model: Model, reached: Reached) -> Iterator[str | None]:
    """The folders and files that a test command looks into, `*` for what a variable holds.

    None for what cannot be told.
    """
    folder = _folder(reached)
    if folder is None:
        yield None
        return
    named = []
    for word in gates.bare(reached.command.words)[1:]:
        if "$" in word or "GITHUB_" in word or "{" in word:
            yield None
            return
        place = word.partition("::")[0]
        is_path = (
            "/" in place or place.endswith(".py") or join(folder, place) in model.tracked.folders
        )
        if not word.startswith("-") and is_path:
            named.append(join(folder, place))
    yield from named or [folder]


def _folder(reached: Reached) -> str | None:
    if reached.folder is not None:
        return reached.folder
    start = reached.step.folder
    said = f"{start}/{reached.command.folder}" if start else reached.command.folder
    pattern = _VARIABLE.sub("*", said)
    is_known = pattern and "GITHUB_" not in pattern and not pattern.startswith(("-", "~"))
    return join("", pattern) if is_known and pattern.strip("*/") else None


def _is_below(path: str, folder: str) -> bool:
    if "*" in folder:
        return fnmatchcase(path, f"{folder}/*") or fnmatchcase(path, folder)
    return not folder or path == folder or path.startswith(f"{folder}/")


def _component(model: Model, path: str) -> str:
    """The folder around a test that is built or installed as one; the first below the root else."""
    folder = path.rpartition("/")[0]
    while folder:
        if any(f"{folder}/{name}" in model.tracked for name in _COMPONENT):
            return folder
        folder = folder.rpartition("/")[0]
    return ""


def _scripts(model: Model, reached: Sequence[Reached]) -> Iterator[Unrun]:
    """Gates among the scripts of packages: the first of each kind that CI does not run."""
    run = {(it.command.place.file, it.target) for it in reached if it.target}
    kinds = {(it.folder, kind) for it in reached if (kind := gates.kind(it.command.words))}
    for package in model.packages.values():
        if role(package.file) is not Role.PRODUCTION:
            continue
        told: set[Kind | None] = {kind for folder, kind in kinds if folder == package.folder}
        told |= {gates.kind_of_name(name) for file, name in run if file == package.file}
        for name, script in package.scripts.items():
            kind = gates.kind_of_name(name)
            own = {gates.kind(it.words) for it in script.commands} - {None}
            if (
                kind is None
                or kind in told
                or not own
                or not _has_what_it_checks(model, package, kind)
            ):
                continue
            told.add(kind)
            yield Unrun(
                script.place,
                f"script `{name}` of `{package.folder or 'the root'}` ({kind.value})",
                f"run it in CI: `npm run {name}`",
            )


def _has_what_it_checks(model: Model, package: Package, kind: Kind) -> bool:
    if kind is not Kind.TEST:
        return kind in _KINDS
    paths = model.tracked.below(package.folder)
    return any(_JS_TEST.search(path) or "/__tests__/" in path or "/e2e/" in path for path in paths)


def _configured(model: Model, reached: Sequence[Reached]) -> Iterator[Unrun]:
    """Linters and type checkers with a configuration, of a kind that CI never runs."""
    kinds = {gates.kind(it.command.words) for it in reached}
    targets = _gate_targets(model, reached)
    for kind in _KINDS:
        if kind in kinds:
            continue
        if kind in targets:
            yield targets[kind]
            continue
        config = next(
            (name for name, it in _CONFIGS.items() if it is kind and name in model.tracked), ""
        )
        if config:
            yield Unrun(Place(config), f"the {kind.value} that this configures", "run it in CI")


def _gate_targets(model: Model, reached: Sequence[Reached]) -> dict[Kind, Unrun]:
    """The first target of the root's Makefile for each kind that holds a gate CI does not run."""
    run = {it.target for it in reached if it.source == "make"}
    found: dict[Kind, Unrun] = {}
    for makefile in model.makefiles.values():
        for target in makefile.targets.values():
            kind = gates.kind_of_name(target.name)
            own = any(gates.kind(it.words) for line in target.recipe for it in line.script.commands)
            if kind and own and target.name not in run and kind not in found:
                found[kind] = Unrun(
                    target.place,
                    f"target `{target.name}` ({kind.value})",
                    f"run it in CI: `make {target.name}`",
                )
    return found
