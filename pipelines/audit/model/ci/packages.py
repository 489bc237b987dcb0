"""`package.json`: scripts, dependencies and locks of Node packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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

MANAGERS = frozenset(("npm", "yarn", "pnpm", "bun"))
# What a manager does itself; `yarn NAME` is a script for every other name.
_VERBS = frozenset(
    [
        "install",
        "i",
        "ci",
        "add",
        "remove",
        "exec",
        "x",
        "dlx",
        "publish",
        "pack",
        "audit",
        "outdated",
        "config",
        "cache",
        "link",
        "login",
        "version",
        "init",
        "create",
        "list",
        "ls",
        "why",
        "store",
        "fetch",
        "import",
        "rebuild",
        "prune",
        "dedupe",
        "up",
        "update",
        "upgrade",
        "set",
    ]
)
_DIRECT = ("test", "start", "stop", "restart")  # `npm NAME` without `run`
_FOLDER_OPTIONS = frozenset(("--prefix", "-C", "--cwd", "--dir", "--directory"))
_PACKAGE_OPTIONS = frozenset(("-w", "--workspace", "--filter", "-F"))


class Call(NamedTuple):
    """What a package manager is asked to run; `package` is a name or a folder of a workspace."""

    script: str = ""
    folder: str = ""
    package: str = ""


def call(words: Sequence[str]) -> Call:
    """The script that the words name: `npm run lint -w web`; it is "" for what runs none."""
    folder, package, plain = "", "", []
    rest = iter(words[1:])
    for word in rest:
        name, _, value = word.partition("=")
        if name in _FOLDER_OPTIONS:
            folder = value or next(rest, "")
        elif name in _PACKAGE_OPTIONS:
            package = value or next(rest, "")
        elif word == "--":
            break
        elif not word.startswith("-"):
            plain.append(word)
    if plain[:1] == ["workspace"] and len(plain) > 2:
        package, plain = plain[1], plain[2:]
    if plain[:1] in (["run"], ["run-script"]):
        return Call(plain[1] if len(plain) > 1 else "", folder, package)
    name = plain[0] if plain else ""
    name = {"t": "test", "tst": "test"}.get(name, name)
    is_npm = words[0].rpartition("/")[2] == "npm"
    is_script = name in _DIRECT if is_npm else name not in _VERBS
    return Call(name if is_script else "", folder, package)


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
