"""`package.json`: scripts, dependencies and locks of Node packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model import nodes, shell
from pipelines.audit.model.nodes import Broken, Node
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.shell import Script
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

LOCKS = (
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lockb",
    "bun.lock",
)


@dataclass(frozen=True)
class Package:
    """One `package.json`; `lock` is the lock file that holds for it, a workspace root's too.

    `dependencies` and `development` are the range that is asked for, and where.
    """

    file: str
    folder: str
    name: str = ""
    scripts: Mapping[str, Script] = field(default_factory=dict)
    dependencies: Mapping[str, tuple[str, Place]] = field(default_factory=dict)
    development: Mapping[str, tuple[str, Place]] = field(default_factory=dict)
    lock: str = ""
    is_private: bool = False
    manager: str = ""  # "packageManager", such as "pnpm@9.1.0"


def read(tracked: Tracked) -> tuple[dict[str, Package], tuple[Unread, ...]]:
    """Every package by its folder."""
    found: dict[str, Package] = {}
    unread: list[Unread] = []
    for path in tracked.named("package.json"):
        if role(path) in (Role.VENDORED, Role.TEST):
            continue
        try:
            # JSON is YAML but for tabs, which YAML takes for no indent.
            node = nodes.read((tracked.text(path) or "").replace("\t", "  "), path)
        except Broken as error:
            unread.append(Unread(Place(path, error.line), f"not valid JSON: {error.reason}"))
            continue
        folder = path.rpartition("/")[0]
        found[folder] = _package(tracked, folder, node)
    return found, tuple(unread)


def _package(tracked: Tracked, folder: str, node: Node) -> Package:
    return Package(
        node.file,
        folder,
        name=node["name"].text,
        scripts={
            name: shell.parse(script.text, script.key_place)
            for name, script in node["scripts"].fields.items()
        },
        dependencies=_ranges(node["dependencies"]),
        development=_ranges(node["devDependencies"]),
        lock=_lock(tracked, folder),
        is_private=node["private"].is_true,
        manager=node["packageManager"].text,
    )


def _ranges(node: Node) -> dict[str, tuple[str, Place]]:
    return {name: (it.text, it.key_place) for name, it in node.fields.items()}


def _lock(tracked: Tracked, folder: str) -> str:
    """The lock file beside it, or in a folder above, where a workspace keeps one for all."""
    while True:
        for name in LOCKS:
            path = f"{folder}/{name}" if folder else name
            if path in tracked:
                return path
        if not folder:
            return ""
        folder = folder.rpartition("/")[0]
