"""Components with their steps: as `pipelines.yaml` lists them, or as they are discovered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.config.evidence import Evidence
from pipelines.config.kinds import Kind
from pipelines.config.model import Component, Declaration
from pipelines.config.repository import Repository
from pipelines.config.template import Template, compile_step
from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest
from pipelines.errors import Where


@dataclass(frozen=True)
class Equipped:
    """A component with its steps; `known` also names those of its kind that it does without."""

    component: Component
    where: Where
    steps: Mapping[str, Template]
    known: frozenset[str]


def discovered(repository: Repository, kinds: Mapping[str, Kind]) -> list[Equipped]:
    """The components that have a marker. Raises `ConfigError` when there is none."""
    # Reading foreign package files takes libraries that a repository with components of its own
    # has no use for, and longer to import than its whole plan takes.
    from pipelines.config.discovery import discover

    defaults = {name: kind.steps for name, kind in kinds.items() if kind.is_default}
    return [
        Equipped(
            found.component,
            Where(Path(found.marker)),
            {
                name: step
                for name, step in kinds[found.component.kind].steps.items()
                if found.component.kind not in defaults or name in found.steps
            },
            frozenset(kinds[found.component.kind].steps),
        )
        for found in discover(repository, defaults)
    ]


def declared(section: Entry, repository: Repository, kinds: Mapping[str, Kind]) -> list[Equipped]:
    """The components of `pipelines.yaml`. Raises `ConfigError` at the line of what is wrong."""
    evidence = Evidence(repository)
    folders: dict[str, Entry] = {}
    equipped = []
    for name, entry in section.fields.items():
        component = _component(name, entry, section, repository)
        kind = _kind(entry.fields["kind"], kinds)
        if (before := folders.setdefault(component.folder, entry)) is not entry:
            raise entry.fields["folder"].error(
                f"{component.folder!r} is already a component",
                hint=f"see {before.where}; give one component all steps of a folder",
            )
        equipped.append(_equipped(component, entry, kind, evidence))
    return equipped


def _component(name: str, entry: Entry, section: Entry, repository: Repository) -> Component:
    fields = entry.fields
    wanted = fields["needs"].items if "needs" in fields else []
    for need in wanted:
        if need.text not in section.fields:
            hint = nearest(need.text, section.fields)
            raise need.error(f"no component called {need.text!r}", hint=hint)
    needs = tuple(dict.fromkeys(need.text for need in wanted))
    return Component(name, _folder(fields["folder"], repository), fields["kind"].text, needs)


def _folder(entry: Entry, repository: Repository) -> str:
    path = PurePosixPath(entry.text)
    if path.is_absolute() or ".." in path.parts:
        raise entry.error(f"{entry.text!r} leaves the repository", hint="write it from the root")
    if str(path) not in repository.folders:
        raise entry.error(f"no file of the repository is in {entry.text!r}")
    return str(path)


def _kind(entry: Entry, kinds: Mapping[str, Kind]) -> Kind:
    if entry.text not in kinds:
        raise entry.error(f"no kind called {entry.text!r}", hint=nearest(entry.text, kinds))
    return kinds[entry.text]


def _equipped(component: Component, entry: Entry, kind: Kind, evidence: Evidence) -> Equipped:
    steps = {
        name: template
        for name, template in kind.steps.items()
        if not kind.is_default or evidence.place(component.kind, name, component.folder) is not None
    }
    own = entry.fields["steps"].fields if "steps" in entry.fields else {}
    for name, override in own.items():
        if isinstance(override.value, dict):
            steps[name] = _overridden(name, override, kind)
        elif override.text == "false" and name in kind.steps:
            steps.pop(name, None)
        elif override.text == "false":
            hint = nearest(name, kind.steps)
            raise override.error(f"kind {component.kind!r} has no such step to remove", hint=hint)
        else:
            raise override.error("true says nothing", hint="write the keys that differ, or false")
    return Equipped(component, entry.where, steps, frozenset(kind.steps) | own.keys())


def _overridden(name: str, override: Entry, kind: Kind) -> Template:
    """The kind's step with a component's own keys, or one that only the component has."""
    shared = kind.steps[name].declaration.fields if name in kind.steps else {}
    return compile_step(Declaration(name, override, {**shared, **override.fields}))
