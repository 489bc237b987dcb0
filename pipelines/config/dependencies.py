"""Which components build on which, as far as their own packaging files say so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pipelines.config.repository import Repository, upwards

_INCLUDE = re.compile(r"^\s*(?:-r|-e|--requirement|--editable)[\s=]+(\S+)", re.MULTILINE)
_NODE_NEEDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


def needed_folders(repository: Repository, kind_of: Mapping[str, str]) -> dict[str, set[str]]:
    """The folders that each folder needs, all of them from `kind_of`.

    By the names that `package.json` and `pyproject.toml` publish and require, and by what
    `requirements.in` includes. Raises `ConfigError` for a file that cannot be read.
    """
    published = {
        (kind, name): folder
        for folder, kind in kind_of.items()
        if (name := _published(repository, folder, kind)) is not None
    }
    needs = {}
    for folder, kind in kind_of.items():
        named = (published.get((kind, name), "") for name in _required(repository, folder, kind))
        said = {it for it in chain(named, _included(repository, folder)) if it in kind_of}
        # What stands around a folder builds on it, whatever lists it may share with it.
        needs[folder] = said.difference(upwards(folder))
    return needs


def _published(repository: Repository, folder: str, kind: str) -> str | None:
    if kind == "python":
        name = _table(repository.toml(folder, "pyproject.toml"), "project").get("name")
        return canonicalize_name(name) if isinstance(name, str) else None
    name = repository.json(folder, "package.json").get("name") if kind == "node" else None
    return name if isinstance(name, str) else None


def _required(repository: Repository, folder: str, kind: str) -> Iterator[str]:
    if kind == "node":
        package = repository.json(folder, "package.json")
        yield from chain.from_iterable(_table(package, key) for key in _NODE_NEEDS)
    elif kind == "python":
        listed = _table(repository.toml(folder, "pyproject.toml"), "project").get("dependencies")
        for text in listed if isinstance(listed, list) else ():
            try:
                yield canonicalize_name(Requirement(text).name)
            except InvalidRequirement:  # for pip to complain about
                continue


def _included(repository: Repository, folder: str) -> Iterator[str]:
    """The folders of the lists and projects that `requirements.in` pulls in."""
    for path in _INCLUDE.findall(repository.text(folder, "requirements.in")):
        parts: list[str] = []
        for part in PurePosixPath(folder, path).parts:
            if part == ".." and parts:
                parts.pop()
            else:
                parts.append(part)
        target = "/".join(parts)
        yield target if target in repository.folders else target.rpartition("/")[0] or "."


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key, {})
    return value if isinstance(value, dict) else {}
