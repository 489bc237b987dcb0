"""Components of a repository that does not list them: folders with a marker of their kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipelines.config.dependencies import needed_folders
from pipelines.config.evidence import Evidence
from pipelines.config.model import Component
from pipelines.config.repository import Repository, joined, upwards
from pipelines.errors import ConfigError

# The first that a folder has tells its kind.
MARKERS = {
    "pyproject.toml": "python",
    "requirements.in": "python",
    "requirements.txt": "python",
    "setup.py": "python",
    "package.json": "node",
    "Dockerfile": "image",
}
ROOT_NAME = "repository"  # the root's own folder is called differently on every machine
# Whole small projects stand in these, as material for tests.
_MATERIAL = {"test", "tests", "testdata", "fixtures", "__fixtures__"}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Found:
    """A component, the file that marks it, and the default steps that it evidently uses."""

    component: Component
    marker: str
    steps: frozenset[str]


def discover(repository: Repository, kinds: Mapping[str, Iterable[str]]) -> list[Found]:
    """All components by folder; `kinds` are the names of the default kinds' steps.

    Raises `ConfigError` when there is none.
    """
    markers = _markers(repository)
    if not markers:
        raise ConfigError(
            f"nothing to check: no folder has any of {', '.join(MARKERS)}",
            hint="list the components in pipelines.yaml",
        )
    kind_of = {folder: MARKERS[marker] for folder, marker in markers.items()}
    names = _names(markers)
    needs = {
        folder: tuple(sorted(names[it] for it in needed))
        for folder, needed in needed_folders(repository, kind_of).items()
    }
    steps = _steps(repository, kind_of, kinds)
    return [
        Found(
            Component(names[folder], folder, kind, needs[folder]),
            joined(folder, markers[folder]),
            steps[folder],
        )
        for folder, kind in kind_of.items()
    ]


def _markers(repository: Repository) -> dict[str, str]:
    """The marker of each folder that has one."""
    found = {}
    for folder in sorted(repository.folders):
        marker = next((it for it in MARKERS if it in repository.folders[folder]), None)
        if marker and _MATERIAL.isdisjoint(folder.split("/")):
            found[folder] = marker
    return found


def _names(folders: Iterable[str]) -> dict[str, str]:
    """A name for each folder: its own, or with those around it where several are called so."""
    short = {folder: PurePosixPath(folder).name or ROOT_NAME for folder in folders}
    often = Counter(short.values())
    names = {
        folder: _NOT_IN_NAMES.sub("-", folder if often[name] > 1 else name)
        for folder, name in short.items()
    }
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise ConfigError(
            f"several folders would be called {twice[0]!r}",
            hint="list the components in pipelines.yaml",
        )
    return names


def _steps(
    repository: Repository, kind_of: Mapping[str, str], kinds: Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    """The steps of each folder whose tool it uses, each once.

    A tool that is set up around several components covers all of them where it is set up, if that
    is a component of the same kind.
    """
    evidence = Evidence(repository)
    found = {}
    for folder, kind in kind_of.items():
        around = [it for it in upwards(folder) if it != folder and kind_of.get(it) == kind]
        found[folder] = frozenset(
            step
            for step in kinds.get(kind, ())
            if (place := evidence.place(kind, step, folder)) is not None
            and not any(evidence.place(kind, step, it) == place for it in around)
        )
    return found
