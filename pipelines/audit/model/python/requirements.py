"""Python's dependencies: requirements files, `pyproject.toml`, `setup.cfg`, locks."""

from __future__ import annotations

import ast
import configparser
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pip_requirements_parser as pip  # type: ignore[import-untyped]
from packaging.requirements import InvalidRequirement, Requirement as Parsed
from packaging.utils import canonicalize_name

from pipelines.audit.findings import Unread
from pipelines.audit.model import toml
from pipelines.audit.model.python import distributions
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
_PROJECTS = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")
_NAME = re.compile(
    r"(.*[._-])?(requirements|constraints|reqs?)([._-].*)?\.(txt|in|pip)", re.IGNORECASE
)
_MOST_LINES = 5_000  # that say something in one file; the longest lock of a person has 500
_BRINGS = re.compile(r"-[rce]|--(requirement|constraint|editable)")
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_DEEPEST = 10  # files that include one another
_LOCKED_NAME = re.compile(r'^name = "([^"\n]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Requirement:
    """One line: `name` is normalized as PyPI does; `specifier` such as "==1.2", ">=3", ""."""

    name: str
    specifier: str
    place: Place
    has_hash: bool = False
    marker: str = ""
    extras: tuple[str, ...] = ()
    url: str = ""  # of what is not taken from an index: an archive, a repository, a folder

    @property
    def is_pinned(self) -> bool:
        return self.specifier.startswith("==") and "*" not in self.specifier


@dataclass(frozen=True)
class Requirements:
    """One requirements file (with those it includes by -r), or the dependencies of a project.

    `kind` is "requirements", "pyproject", "setup" or "pipfile"; `lock` the lock file beside it
    (`uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`), or above it for a workspace.
    """

    file: str
    kind: str
    items: tuple[Requirement, ...]
    extras: Mapping[str, tuple[Requirement, ...]] = field(default_factory=dict)
    lock: str = ""
    name: str = ""  # of the project itself
    includes: tuple[str, ...] = ()  # files that -r names
    constraints: tuple[str, ...] = ()  # files that -c names
    projects: tuple[str, ...] = ()  # folders of the repository that it installs: `-e .`
    is_library: bool = False  # it says how to build a distribution of it
    is_unknown: bool = False  # something in it cannot be told: `dynamic`, an address, a missing -r

    def names(self) -> frozenset[str]:
        return frozenset(item.name for item in self.items)

    @property
    def is_compiled(self) -> bool:
        """Whether pip-compile or uv wrote it: every distribution, pinned and with hashes."""
        return bool(self.items) and all(it.is_pinned and it.has_hash for it in self.items)


def is_requirements(path: str) -> bool:
    """Whether a file's name says that it lists requirements."""
    folder, _, name = path.rpartition("/")
    if _NAME.fullmatch(name):
        return True
    return folder.rpartition("/")[2].lower() == "requirements" and name.endswith((".txt", ".in"))


def read(tracked: Tracked) -> tuple[dict[str, Requirements], tuple[Unread, ...]]:
    """Every such file by path."""
    found: dict[str, Requirements] = {}
    unread: list[Unread] = []
    for path in tracked.paths:
        name = path.rpartition("/")[2]
        if not (is_requirements(path) or name in _PROJECTS) or "node_modules/" in path:
            continue
        try:
            one = read_one(tracked, path)
        except _Unreadable as error:
            unread.append(Unread(Place(path), str(error)))
            continue
        if one is not None:
            found[path] = one
    return found, tuple(unread)


class _Unreadable(Exception):
    """A file that its own parser does not take."""


def read_one(tracked: Tracked, path: str) -> Requirements | None:
    """One file, whatever its name; None for a project file that names no dependencies."""
    text = tracked.text(path)
    if text is None:
        return None
    name = path.rpartition("/")[2]
    if name == "pyproject.toml":
        return _pyproject(tracked, path, text)
    if name == "setup.cfg":
        return _setup_cfg(tracked, path, text)
    if name == "setup.py":
        return _setup_py(tracked, path, text)
    if name == "Pipfile":
        return _pipfile(tracked, path, text)
    return _requirements(tracked, path, text)


def _requirements(
    tracked: Tracked, path: str, text: str, depth: int = 0, seen: set[str] | None = None
) -> Requirements:
    items: list[Requirement] = []
    includes: list[str] = []
    constraints: list[str] = []
    projects: list[str] = []
    unknown = False
    folder = path.rpartition("/")[0]
    seen = {path} if seen is None else seen  # each file is included once, however often it is named
    for number, line, has_hash in itertools.islice(_lines(text), _MOST_LINES):
        place = Place(path, number)
        if not line.startswith("-"):
            one = parse(line, place, has_hash=has_hash)
            if one is not None:
                items.append(one)
            elif line.startswith((".", "/")):
                projects.append(join(folder, line.partition("[")[0]) or "")
            else:
                unknown = True
            continue
        for option, value in _options(line):
            target = join(folder, value)
            if option == "requirements" and target in seen:
                continue
            if option == "requirements" and target in tracked and depth < _DEEPEST:
                seen.add(target or "")
                included = _requirements(
                    tracked, target or "", tracked.text(target or "") or "", depth + 1, seen
                )
                items += included.items
                includes += [included.file, *included.includes]
                projects += included.projects
                unknown = unknown or included.is_unknown
            elif option == "constraints" and target in tracked:
                constraints.append(target or "")
            elif option == "editables" and not value.startswith(("git+", "http", "hg+", "svn+")):
                projects.append(join(folder, value.partition("[")[0]) or "")
            elif option != "constraints":
                unknown = True
    return Requirements(
        path,
        "requirements",
        tuple(items),
        includes=tuple(includes),
        constraints=tuple(constraints),
        projects=tuple(projects),
        is_unknown=unknown,
    )


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """The lines that say something, joined and without comments, and whether each has a hash.

    Hashes are most of a compiled file and nobody looks at one: they are taken off before the
    parser sees them, as it needs a second for a thousand.
    """
    hashed: set[int] = set()
    kept: list[str] = []
    last = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("--hash="):
            hashed.add(last)
            kept.append("\\" if line.rstrip().endswith("\\") else "")
        else:
            last = number
            kept.append(" ".join(line.split()))  # the parser looks at each blank again for each
    for number, line, *_ in pip.preprocess("\n".join(kept)):
        content, _, rest = line.strip().partition(" --")
        content = content.removesuffix("\\").strip()
        if content and not content.startswith("#"):
            yield number, content, number in hashed or "hash=" in rest


def _options(line: str) -> Iterator[tuple[str, str]]:
    """The options that bring other requirements, as (destination, value)."""
    if not _BRINGS.match(line):  # the parser is slow to make, and is made for each line
        return
    try:
        _, options, _ = pip.get_line_parser()(line)
    except Exception:  # the parser raises whatever optparse and shlex do
        return
    for name in ("requirements", "constraints", "editables"):
        for value in getattr(options, name, None) or ():
            yield name, value


def parse(text: str, place: Place, *, has_hash: bool = False) -> Requirement | None:
    """One requirement as pip takes it; None for what is none (a path, an option)."""
    try:
        found = Parsed(text)
    except (InvalidRequirement, RecursionError):  # the latter by parentheses in a marker
        return _address(text, place)
    return Requirement(
        canonicalize_name(found.name),
        str(found.specifier),
        place,
        has_hash=has_hash,
        marker=str(found.marker or ""),
        extras=tuple(sorted(found.extras)),
        url=found.url or "",
    )


def _address(text: str, place: Place) -> Requirement | None:
    """`git+https://host/name.git@v1#egg=name`."""
    if "://" not in text:
        return None
    address, _, fragment = text.partition("#")
    egg = re.search(r"egg=([\w.-]+)", fragment)
    name = (
        egg.group(1) if egg else address.rpartition("/")[2].partition("@")[0].partition(".git")[0]
    )
    return Requirement(canonicalize_name(name), "", place, url=text) if name else None


def _pyproject(tracked: Tracked, path: str, text: str) -> Requirements | None:
    try:
        data = toml.read(text)
    except toml.Broken as error:
        raise _Unreadable(str(error)) from error
    project = _mapping(data.get("project"))
    poetry = _mapping(_mapping(data.get("tool")).get("poetry"))
    if not project and not poetry:
        return None
    locate = _Lines(path, text)
    items = _texts(project.get("dependencies"), locate)
    items += _poetry(poetry.get("dependencies"), locate)
    groups: dict[str, tuple[Requirement, ...]] = {}
    for name, texts in {
        **_mapping(data.get("dependency-groups")),
        **_mapping(project.get("optional-dependencies")),
    }.items():
        groups[name] = tuple(_texts(texts, locate))
    for name, group in _mapping(poetry.get("group")).items():
        groups[name] = tuple(_poetry(_mapping(group).get("dependencies"), locate))
    if "dev-dependencies" in poetry:
        groups["dev"] = tuple(_poetry(poetry["dev-dependencies"], locate))
    return Requirements(
        path,
        "pyproject",
        tuple(items),
        groups,
        lock=_lock(tracked, path),
        name=canonicalize_name(str(project.get("name") or poetry.get("name") or "")),
        is_library=_is_library(data, poetry),
        is_unknown="dependencies" in _list(project.get("dynamic")),
    )


def _is_library(data: Mapping[str, Any], poetry: Mapping[str, Any]) -> bool:
    uv = _mapping(_mapping(data.get("tool")).get("uv"))
    if uv.get("package") is False or poetry.get("package-mode") is False:
        return False
    return "build-system" in data


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(values: object, locate: _Lines) -> list[Requirement]:
    found = []
    for value in _list(values):
        if isinstance(value, str):
            one = parse(value, locate.place(value))
            if one is not None:
                found.append(one)
    return found


def _poetry(table: object, locate: _Lines) -> list[Requirement]:
    """`name = "^1.2"` or `name = {version = "^1.2", extras = [...]}`, of Poetry and of Pipfiles."""
    found = []
    for name, value in _mapping(table).items():
        if name.lower() == "python":
            continue
        one = value if isinstance(value, dict) else {"version": value}
        version = str(one.get("version") or "")
        if version[:1].isdigit():
            version = f"=={version}"
        found.append(
            Requirement(
                canonicalize_name(name),
                "" if version == "*" else version,
                locate.key(name),
                marker=str(one.get("markers") or ""),
                extras=tuple(str(extra) for extra in _list(one.get("extras"))),
                url=str(one.get("git") or one.get("url") or one.get("path") or ""),
            )
        )
    return found


class _Lines:
    """Where a text stands in a file whose parser keeps no lines; looked for once each."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._lines = text.split("\n")

    @cached_property
    def _quoted(self) -> dict[str, list[int]]:
        """The lines that hold each quoted text, the last one first."""
        found: dict[str, list[int]] = {}
        for number in range(len(self._lines), 0, -1):
            for match in _QUOTED.finditer(self._lines[number - 1]):
                found.setdefault(match[0][1:-1], []).append(number)
        return found

    @cached_property
    def _keys(self) -> dict[str, list[int]]:
        """The lines that set each key, the last one first; of `a.b = 1` also what sets `a`."""
        found: dict[str, list[int]] = {}
        for number in range(len(self._lines), 0, -1):
            before, equals, _ = self._lines[number - 1].partition("=")
            key = before.strip()
            for name in {key.strip("\"'"), key.partition(".")[0].strip("\"' ")} if equals else ():
                found.setdefault(name, []).append(number)
        return found

    def place(self, value: str) -> Place:
        """The line that holds a quoted value, the next one when it was asked for before."""
        return self._next(self._quoted.get(value))

    def key(self, name: str) -> Place:
        """The line that sets a key, the next one when it was asked for before."""
        return self._next(self._keys.get(name))

    def _next(self, numbers: list[int] | None) -> Place:
        return Place(self.file, numbers.pop()) if numbers else Place(self.file)


def _setup_cfg(tracked: Tracked, path: str, text: str) -> Requirements | None:
    config = configparser.RawConfigParser()
    try:
        config.read_string(text)
    except configparser.Error as error:
        raise _Unreadable(str(error).partition("\n")[0]) from error
    if not config.has_section("metadata") or not config.has_option("metadata", "name"):
        return None
    numbers = {line.strip(): number for number, line in enumerate(text.split("\n"), start=1)}

    def listed(value: str) -> tuple[Requirement, ...]:
        lines = [line.strip() for line in value.split("\n") if line.strip()]
        found = (parse(line, Place(path, numbers.get(line, 1))) for line in lines)
        return tuple(one for one in found if one is not None)

    has_extras = config.has_section("options.extras_require")
    extras = dict(config.items("options.extras_require")) if has_extras else {}
    return Requirements(
        path,
        "setup",
        listed(config.get("options", "install_requires", fallback="")),
        {name: listed(value) for name, value in extras.items()},
        lock=_lock(tracked, path),
        name=canonicalize_name(config.get("metadata", "name")),
        is_library=True,
    )


def _setup_py(tracked: Tracked, path: str, text: str) -> Requirements | None:
    if "setup(" not in text:
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lists = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    keywords: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup"
        ):
            keywords = {word.arg: word.value for word in node.keywords if word.arg}
    required = _resolved(keywords.get("install_requires"), lists)
    extras = _resolved(keywords.get("extras_require"), lists)
    name = keywords.get("name")
    groups = {}
    if isinstance(extras, ast.Dict):
        for key, value in zip(extras.keys, extras.values, strict=True):
            if isinstance(key, ast.Constant):
                groups[str(key.value)] = _strings(_resolved(value, lists), path)
    return Requirements(
        path,
        "setup",
        _strings(required, path),
        groups,
        lock=_lock(tracked, path),
        name=canonicalize_name(str(name.value)) if isinstance(name, ast.Constant) else "",
        is_library=True,
        is_unknown=required is not None and not isinstance(required, ast.List | ast.Tuple),
    )


def _resolved(node: ast.expr | None, lists: Mapping[str, ast.expr]) -> ast.expr | None:
    return lists.get(node.id, node) if isinstance(node, ast.Name) else node


def _strings(node: ast.expr | None, path: str) -> tuple[Requirement, ...]:
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    found = (
        parse(part.value, Place(path, part.lineno))
        for part in parts
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )
    return tuple(one for one in found if one is not None)


def _pipfile(tracked: Tracked, path: str, text: str) -> Requirements | None:
    try:
        data = toml.read(text)
    except toml.Broken as error:
        raise _Unreadable(str(error)) from error
    locate = _Lines(path, text)
    items = _poetry(data.get("packages"), locate)
    groups = {"dev": tuple(_poetry(data.get("dev-packages"), locate))}
    return Requirements(path, "pipfile", tuple(items), groups, lock=_lock(tracked, path))


def _lock(tracked: Tracked, path: str) -> str:
    """The lock beside a project file, or the nearest above it."""
    folder = path.rpartition("/")[0]
    for _ in range(_DEEPEST):
        for name in LOCKS:
            file = join(folder, name)
            if file in tracked:
                return file or ""
        if not folder:
            return ""
        folder = folder.rpartition("/")[0]
    return ""


def locked(tracked: Tracked, lock: str) -> frozenset[str]:
    """The names of every distribution in a lock, read as its few needed lines: it is large."""
    text = tracked.text(lock) or ""
    if lock.endswith("Pipfile.lock"):
        try:
            data = _mapping(json.loads(text))
        except (ValueError, RecursionError):
            return frozenset()
        parts = (_mapping(data.get(part)) for part in ("default", "develop"))
        return frozenset(canonicalize_name(name) for part in parts for name in part)
    return frozenset(canonicalize_name(name) for name in _LOCKED_NAME.findall(text))


def installed(requirements: Requirements, extras: frozenset[str] = frozenset()) -> frozenset[str]:
    """The distributions that installing these brings, as far as it is known."""
    wanted = list(requirements.items)
    for extra in sorted(extras):
        wanted += requirements.extras.get(extra, ())
    return frozenset(
        name for item in wanted for name in distributions.brought(item.name, frozenset(item.extras))
    )
