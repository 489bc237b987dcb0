"""Tests and checks that a repository has, and that its pipeline does not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipelines.audit.findings import Severity
from pipelines.audit.model.ci import gates, gitlab, opaque, suites
from pipelines.audit.model.ci.gates import Kind
from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.ci.reach import Reached
from pipelines.audit.model.ci.suites import Suite
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place

if TYPE_CHECKING:
    from pipelines.audit.model import Model

_OTHER_CI = (
    gitlab.FILE,
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
_MOST_SUITES = 10  # where more are not run, the reason is one
_KINDS = (Kind.LINT, Kind.TYPES, Kind.FORMAT)
_OTHER_KINDS = frozenset((Kind.BUILD, Kind.SECURITY))
_CONFIGS = {
    "mypy.ini": Kind.TYPES,
    "pyrightconfig.json": Kind.TYPES,
    ".flake8": Kind.LINT,
    "ruff.toml": Kind.LINT,
    ".ruff.toml": Kind.LINT,
    ".pylintrc": Kind.LINT,
}
# Tables of pyproject.toml that configure one.
_TABLES = {
    "[tool.ruff]": Kind.LINT,
    "[tool.ruff.lint]": Kind.LINT,
    "[tool.pylint]": Kind.LINT,
    "[tool.mypy]": Kind.TYPES,
    "[tool.pyright]": Kind.TYPES,
    "[tool.basedpyright]": Kind.TYPES,
    "[tool.black]": Kind.FORMAT,
}
_JAVASCRIPT = frozenset(
    [
        "ava",
        "cypress",
        "jasmine",
        "jest",
        "karma",
        "mocha",
        "node",
        "playwright",
        "react-scripts",
        "vitest",
    ]
)

# What looks at packages below, too; not those that drive a browser.
_FOR_PACKAGES = (_JAVASCRIPT - {"cypress", "playwright"}) | {
    "biome",
    "eslint",
    "oxlint",
    "prettier",
    "standard",
    "stylelint",
    "tsc",
    "vue-tsc",
    "xo",
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
    hidden = opaque.hidden(model, reached)
    by_actions = _by_actions(model)
    kinds = by_actions.union(kind for it in reached if (kind := gates.kind(it.command.words)))
    hidden |= _promised(reached) - kinds
    if kinds <= _OTHER_KINDS:
        if Kind.TEST not in hidden:
            yield from _no_pipeline(model)
        return
    if Kind.TEST not in hidden:
        yield from _python(model, reached)
        yield from _javascript(model, reached)
        yield from _go(model, reached)
    yield from _scripts(model, reached, hidden | by_actions)
    yield from _configured(model, reached, kinds | hidden)


def _promised(reached: Sequence[Reached]) -> frozenset[Kind]:
    """What the names of the targets say that CI runs: one that does not do so is another fault."""
    names = {it.target for it in reached if it.source == "make"}
    return frozenset(kind for name in names if (kind := gates.kind_of_name(name)))


def _by_actions(model: Model) -> frozenset[Kind]:
    return frozenset(
        kind
        for workflow in model.workflows
        for job in workflow.jobs.values()
        for step in job.steps
        if (kind := gates.kind_of_action(step.uses))
    )


def _no_pipeline(model: Model) -> Iterator[Unrun]:
    tracked = model.tracked
    files = [
        *suites.python_files(tracked),
        *suites.javascript_files(tracked),
        *suites.go_files(tracked),
    ]
    if files:
        why = "no workflow tests or lints" if model.workflows else "there is no workflow"
        yield Unrun(
            Place(min(files)),
            _count(files),
            "add a workflow that runs the tests",
            is_one=len(files) == 1,
            severity=Severity.LOW,
            why_not=why,
        )


def _count(files: Sequence[str]) -> str:
    return "1 test file" if len(files) == 1 else f"{len(files)} test files"


def _python(model: Model, reached: Sequence[Reached]) -> Iterator[Unrun]:
    """Python tests that no command of CI looks into."""
    commands = [it for it in reached if suites.tests_python(it)]
    looks = suites.looks(model.tracked, commands)
    if looks is None:
        return
    files = [
        path
        for path in suites.python_files(model.tracked)
        if not any(look.sees(path) for look in looks)
    ]
    instead = commands[0].chain[0] if commands else None
    yield from _suites(suites.suites(model.tracked, files), instead)


def _suites(found: Sequence[Suite], instead: Place | None) -> Iterator[Unrun]:
    if len(found) > _MOST_SUITES:
        files = tuple(path for suite in found for path in suite.files)
        yield _not_run(Suite("", files), f"in {len(found)} folders ", instead)
        return
    for suite in found:
        yield _not_run(suite, f"of `{suite.folder}` " if suite.folder else "", instead)


def _not_run(suite: Suite, where: str, instead: Place | None) -> Unrun:
    return Unrun(
        Place(suite.files[0]),
        f"the tests {where}({_count(suite.files)})",
        "run them in CI",
        is_one=False,
        severity=Severity.LOW if suite.is_heavy else None,
        instead=instead,
        why_not="this runs other tests" if instead else "",
    )


def _javascript(model: Model, reached: Sequence[Reached]) -> Iterator[Unrun]:
    """Tests of packages that have no script for them, where no runner is called either."""
    if any(_program(it) in _JAVASCRIPT for it in reached):
        return
    packages = {
        folder: package
        for folder, package in model.packages.items()
        if role(package.file) is Role.PRODUCTION
    }
    if any(_has_tests(package) for package in packages.values()):
        return
    groups: dict[str, list[str]] = {}
    for path in suites.javascript_files(model.tracked) if packages else ():
        groups.setdefault(_package_of(path, packages), []).append(path)
    yield from _suites([Suite(folder, tuple(groups[folder])) for folder in sorted(groups)], None)


def _program(reached: Reached) -> str:
    plain = gates.bare(reached.command.words)
    return plain[0].rpartition("/")[2] if plain else ""


def _has_tests(package: Package) -> bool:
    return any(gates.kind_of_name(name) is Kind.TEST for name in package.scripts)


def _package_of(path: str, packages: Mapping[str, Package]) -> str:
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in packages:
            return folder
    return ""


def _go(model: Model, reached: Sequence[Reached]) -> Iterator[Unrun]:
    if any(_program(it) in ("go", "gotestsum", "ginkgo") for it in reached):
        return
    groups: dict[str, list[str]] = {}
    for path in suites.go_files(model.tracked):
        groups.setdefault(_module_of(model, path), []).append(path)
    yield from _suites([Suite(folder, tuple(groups[folder])) for folder in sorted(groups)], None)


def _module_of(model: Model, path: str) -> str:
    folder = path.rpartition("/")[0]
    while folder and f"{folder}/go.mod" not in model.tracked:
        folder = folder.rpartition("/")[0]
    return folder


def _scripts(model: Model, reached: Sequence[Reached], hidden: frozenset[Kind]) -> Iterator[Unrun]:
    """Gates among the scripts of packages: the first of each kind that CI does not run."""
    run = {(it.command.place.file, it.target) for it in reached if it.target}
    checks = [(it, kind) for it in reached if (kind := gates.kind(it.command.words))]
    for package in model.packages.values():
        if role(package.file) is not Role.PRODUCTION:
            continue
        told: set[Kind | None] = {kind for it, kind in checks if _covers(it, package.folder)}
        told |= {gates.kind_of_name(name) for file, name in run if file == package.file}
        told |= hidden
        for name, script in package.scripts.items():
            own = {gates.kind(it.words) for it in script.commands} - {None}
            kind = Kind.FORMAT if own == {Kind.FORMAT} else gates.kind_of_name(name)
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


def _covers(reached: Reached, folder: str) -> bool:
    """Whether a check in this folder, or in one above by a tool for packages, looks at it too."""
    if reached.folder is None:
        return False
    is_above = not reached.folder or folder.startswith(f"{reached.folder}/")
    return reached.folder == folder or (is_above and _program(reached) in _FOR_PACKAGES)


def _has_what_it_checks(model: Model, package: Package, kind: Kind) -> bool:
    if kind is not Kind.TEST:
        return kind in _KINDS
    below = f"{package.folder}/" if package.folder else ""
    files = suites.javascript_files(model.tracked)
    return any(path.startswith(below) for path in files) or any(
        "/__tests__/" in path or "/e2e/" in path for path in model.tracked.below(package.folder)
    )


def _configured(
    model: Model, reached: Sequence[Reached], known: frozenset[Kind]
) -> Iterator[Unrun]:
    """Linters and type checkers with a configuration, of a kind that CI never runs."""
    targets = _gate_targets(model, reached)
    for kind in _KINDS:
        if kind in known:
            continue
        if kind in targets:
            yield targets[kind]
            continue
        config = next(
            (name for name, it in _CONFIGS.items() if it is kind and name in model.tracked), ""
        )
        if config:
            yield Unrun(Place(config), f"the {kind.value} that this configures", "run it in CI")
        elif table := _table(model, kind):
            what = f"the {kind.value} that this configures"
            yield Unrun(table, what, "run it in CI", severity=Severity.LOW)


def _table(model: Model, kind: Kind) -> Place | None:
    """The first table of the project's settings that configures such a gate.

    What hooks of pre-commit are told to run may be run by a service that no workflow names.
    """
    if ".pre-commit-config.yaml" in model.tracked:
        return None
    for number, line in enumerate(model.tracked.lines("pyproject.toml"), 1):
        if _TABLES.get(line.strip()) is kind:
            return Place("pyproject.toml", number)
    return None


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
