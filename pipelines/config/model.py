"""What is configured, in frozen values: components, their steps with every need resolved, gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.documents.document import Entry
from pipelines.errors import Where
from pipelines.step import Step, Tool

FILE = Path("pipelines.yaml")
DEFAULTS = Path(__file__).with_name("defaults.yaml")


@dataclass(frozen=True)
class Component:
    """A folder that is checked and built as one; `needs` names the components it builds on.

    The folder is POSIX and relative to the root, "." for the root itself.
    """

    name: str
    folder: str
    kind: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declaration:
    """A step as written: its entries by key, a component's own in place of its kind's."""

    name: str
    entry: Entry
    fields: Mapping[str, Entry]


@dataclass(frozen=True)
class Config:
    """Everything that is configured.

    `gates` maps what a person types to names of steps; `tools` are those in use. `source` is
    "pipelines.yaml" or "discovered". `sources` are the files that were read, relative to the root;
    `follows_files` says that a file added or removed can change the configuration too, as what
    exists was looked for.
    """

    steps: tuple[Step, ...]
    gates: Mapping[str, tuple[str, ...]]
    tools: Mapping[str, Tool]
    components: tuple[Component, ...]
    source: str
    sources: tuple[str, ...]
    follows_files: bool
    declarations: Mapping[str, Declaration] = field(repr=False)

    def where(self, step_id: str, key: str = "", index: int | None = None) -> Where:
        """Where a step stands, or one of its keys, or the item of a list: `"inputs", 0`.

        The nearest place there is: a key that was not written stands where its step does.
        """
        declaration = self.declarations[step_id]
        entry = declaration.fields.get(key, declaration.entry)
        if index is not None and isinstance(entry.value, list):
            entry = entry.value[index]
        return entry.where

    def is_default(self, step_id: str, key: str) -> bool:
        """Whether a default kind says it and not the repository.

        Patterns of default kinds may match nothing: they were written for many repositories.
        """
        return self.where(step_id, key).file == DEFAULTS
