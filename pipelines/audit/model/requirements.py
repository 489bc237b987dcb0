"""Python's dependencies: requirements files, `pyproject.toml`, `setup.cfg`, locks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Requirement:
    """One line: `name` is normalized as PyPI does; `specifier` such as "==1.2", ">=3", ""."""

    name: str
    specifier: str
    place: Place
    has_hash: bool = False
    marker: str = ""

    @property
    def is_pinned(self) -> bool:
        return self.specifier.startswith("==") and "*" not in self.specifier


@dataclass(frozen=True)
class Requirements:
    """One requirements file (with those it includes by -r), or the dependencies of a project.

    `kind` is "requirements", "pyproject", "setup" or "pipfile"; `lock` the lock file beside it
    (`uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`).
    """

    file: str
    kind: str
    items: tuple[Requirement, ...]
    extras: Mapping[str, tuple[Requirement, ...]] = field(default_factory=dict)
    lock: str = ""
    name: str = ""  # of the project itself

    def names(self) -> frozenset[str]:
        return frozenset(item.name for item in self.items)


def read(tracked: Tracked) -> tuple[dict[str, Requirements], tuple[Unread, ...]]:
    """Every such file by path."""
    return {}, ()
