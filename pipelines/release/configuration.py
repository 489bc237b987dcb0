"""The digest of a rendered Compose project: what it says, and not where its file lies."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

from pipelines.compose.model import Project


def digest(project: Project) -> str:
    """SHA-256, hexadecimal, of all services, secrets and volumes; paths are relative to the file.

    No value of a secret takes part.
    """
    folder = project.file.resolve().parent

    def plain(value: Any) -> Any:
        match value:
            case Path():
                return os.path.relpath(value, folder)
            case frozenset():
                return sorted(value)
            case enum.Enum():
                return value.value
        raise TypeError(type(value))

    said = {
        "services": {name: _fields(it, folder) for name, it in project.services.items()},
        "secrets": {name: _fields(it, folder) for name, it in project.secrets.items()},
        "volumes": dict(project.volumes),
    }
    encoded = msgspec.json.encode(said, order="sorted", enc_hook=plain)
    return hashlib.sha256(encoded).hexdigest()


def _fields(value: Any, folder: Path) -> dict[str, Any]:
    """The fields of a dataclass without the lines of the file, and without its folder."""

    def kept(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        return {
            name: os.path.relpath(it, folder) if name == "source" and _is_path(it) else it
            for name, it in fields
            if name != "where"
        }

    return dataclasses.asdict(value, dict_factory=kept)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and os.path.isabs(value)
