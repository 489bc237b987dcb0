"""Actions are named by the commit that a given map has for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pipelines.audit.findings import Finding
from pipelines.audit.fixes.edit import Edit, Fixer, line
from pipelines.audit.model import Model
from pipelines.documents.document import read as read_document
from pipelines.errors import ConfigError

_USES = re.compile(r"(.*\buses:\s*)(['\"]?)([^'\"\s#]+)\2\s*(#.*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def read(file: Path) -> dict[str, str]:
    """A map in YAML or JSON: `actions/checkout@v4: 11bd7190...`.

    Raises `ConfigError`, with the line, for what is no commit.
    """
    document = read_document(file)
    found: dict[str, str] = {}
    for name, entry in document.fields.items():
        if not _COMMIT.fullmatch(entry.text):
            raise entry.error("expected the 40 hexadecimal digits of a commit")
        if "@" not in name:
            raise ConfigError(
                f"{name}: expected a name and a tag",
                where=entry.where,
                hint="such as actions/checkout@v4",
            )
        found[name] = entry.text
    return found


def by(commits: Mapping[str, str]) -> Fixer:
    """A fixer that names each action in the map by its commit, its tag in a comment."""

    def pinned(model: Model, finding: Finding) -> Edit | None:
        old = line(model, finding.place)
        match = _USES.fullmatch(old)
        commit = commits.get(match[3]) if match else None
        if match is None or commit is None:
            return None
        name, _, tag = match[3].partition("@")
        return Edit(finding.place, old, f"{match[1]}{name}@{commit} # {tag}")

    return pinned
