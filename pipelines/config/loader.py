"""From `pipelines.yaml` or discovery to a configuration in which every name is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from pipelines.config import schema
from pipelines.config.components import Equipped, declared, discovered
from pipelines.config.cycles import refuse_cycles
from pipelines.config.gates import read_gates
from pipelines.config.kinds import read_kinds
from pipelines.config.model import DEFAULTS, FILE, Config
from pipelines.config.needs import Resolver
from pipelines.config.repository import Repository
from pipelines.config.services import refuse_unknown
from pipelines.config.tools import read_tools
from pipelines.documents import document, shapes
from pipelines.documents.document import Entry
from pipelines.errors import ConfigError, Where
from pipelines.step import Step


def load(root: Path, files: Sequence[str]) -> Config:
    """The configuration of the repository at `root`; `files` are POSIX paths from there.

    Raises `ConfigError`, with file and line, for the first thing that is wrong.
    """
    repository = Repository(root, files)
    defaults = _sections(DEFAULTS, DEFAULTS)
    is_given = (root / FILE).is_file()
    given = _sections(root / FILE, FILE) if is_given else {}
    kinds = read_kinds(defaults, is_default=True) | read_kinds(given, is_default=False)
    is_declared = "components" in given
    equipped = (
        declared(given["components"], repository, kinds)
        if is_declared
        else discovered(repository, kinds)
    )
    _refuse_component_cycles(equipped)
    templates = {
        f"{name}:{it.component.name}": t for it in equipped for name, t in it.steps.items()
    }
    if not templates:
        raise _nothing_to_run(equipped, is_given=is_given)
    steps = _expand(equipped)
    _refuse_step_cycles(steps, {name: t.declaration.entry.where for name, t in templates.items()})
    needs = chain.from_iterable(template.needs for template in templates.values())
    services = refuse_unknown(root, needs)
    return Config(
        steps=steps,
        gates=read_gates(
            given, (step.name for step in steps), frozenset().union(*(it.known for it in equipped))
        ),
        tools=read_tools((defaults, given), (tool for step in steps for tool in step.tools)),
        components=tuple(it.component for it in equipped),
        source=str(FILE) if is_given else "discovered",
        sources=(str(FILE), *services, *repository.sources),
        follows_files=not is_declared
        or any(kinds[it.component.kind].is_default for it in equipped),
        declarations={name: template.declaration for name, template in templates.items()},
    )


def _sections(file: Path, shown: Path) -> Mapping[str, Entry]:
    root = document.read(file, shown=shown)
    shapes.check(root, schema.FILE)
    return root.fields


def _expand(equipped: Sequence[Equipped]) -> tuple[Step, ...]:
    resolver = Resolver(
        [it.component for it in equipped],
        steps={it.component.name: it.steps for it in equipped},
        known={it.component.name: it.known for it in equipped},
    )
    return tuple(
        template.step(it.component, resolver.ids(it.component, name, template.needs))
        for it in equipped
        for name, template in it.steps.items()
    )


def _refuse_component_cycles(equipped: Sequence[Equipped]) -> None:
    graph = {it.component.name: it.component.needs for it in equipped}
    refuse_cycles("components", graph, {it.component.name: it.where for it in equipped})


def _refuse_step_cycles(steps: Sequence[Step], places: Mapping[str, Where]) -> None:
    refuse_cycles("steps", {step.id: step.needs for step in steps}, places)


def _nothing_to_run(equipped: Sequence[Equipped], *, is_given: bool) -> ConfigError:
    names = ", ".join(it.component.name for it in equipped[:5])
    more = f" and {len(equipped) - 5} more" if len(equipped) > 5 else ""
    return ConfigError(
        f"nothing to run: no step for {names}{more}" if equipped else "nothing to run",
        where=Where(FILE) if is_given else None,
        hint=f"describe steps in {FILE}; by themselves only ruff, mypy, pytest and the npm scripts"
        " lint, test and build are found",
    )
