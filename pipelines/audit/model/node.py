"""`package.json`: scripts, dependencies and locks of Node packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model.shell import Script
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Package:
    """One `package.json`; `lock` is the lock file that holds for it, a workspace root's too."""

    file: str
    folder: str
    name: str = ""
    scripts: Mapping[str, Script] = field(default_factory=dict)
    dependencies: Mapping[str, tuple[str, Place]] = field(default_factory=dict)  # name: (range, at)
    development: Mapping[str, tuple[str, Place]] = field(default_factory=dict)
    lock: str = ""


def read(tracked: Tracked) -> tuple[dict[str, Package], tuple[Unread, ...]]:
    """Every package by its folder."""
    return {}, ()
