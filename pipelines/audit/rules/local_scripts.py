"""Files of a Node package that its own sources import, and Git does not track."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.audit.findings import Also, Fault
from pipelines.audit.model import Model, globs
from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.javascript import SUFFIXES
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.words import written
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

# A first look; what it finds and nothing tracked answers to is then read with the grammar.
_IMPORT = re.compile(rb"\bfrom\s*[\"']((?:\.{1,2}/|[@~]/)[^\"'\n]{1,200})[\"']")
# What a build writes, and nobody tracks.
_GENERATED = re.compile(
    r".*(generated|\.gen|[_-]gen|_pb2?|_version)|_*gen_*|dist|build|out|output|pkg|wasm|target"
    r"|[.+].+|version|typings|types|protos?|gql|graphql|codegen|styled-system|paraglide|prisma"
    r"|routeTree.*|node_modules|public|assets|static"
)
_RESOLVED = re.compile(r"\.[cm]?[jt]sx?$")
_MOST_PATTERNS = 2_000


@dataclass(frozen=True)
class _Wanted:
    """One import that nothing tracked answers to: `path` is where its file would be."""

    module: str
    path: str
    place: Place


def absent_scripts(model: Model) -> Iterator[Fault]:
    """Imports of a package's own files that cannot be resolved on a fresh clone."""
    built = {folder: it for folder, it in model.packages.items() if "build" in it.scripts}
    if not built:
        return
    stems = _stems(model.tracked)
    aliases = {folder: _aliases(model.tracked, folder) for folder in built}
    for file in model.tracked:
        if not file.endswith(SUFFIXES) or role(file) is not Role.PRODUCTION:
            continue
        folder = _owner(model, file)
        if folder not in built:
            continue
        for wanted in _unresolved(model, file, aliases[folder], stems):
            ignored = _ignored_by(model.tracked, wanted.path)
            if _is_generated(wanted.path, folder) or (ignored and _is_meant(ignored[1])):
                continue
            yield _absent(wanted, built[folder], ignored[0] if ignored else None)


def _absent(wanted: _Wanted, package: Package, ignored: Place | None) -> Fault:
    also = [Also(package.scripts["build"].place, "the build, which needs it")]
    if ignored is not None:
        also.insert(0, Also(ignored, "leaves it out of Git"))
    return Fault(
        wanted.place,
        f"{wanted.module} is imported, and Git tracks no {wanted.path}",
        f"add {wanted.path} to Git; look whether .gitignore leaves it out",
        also=tuple(also),
    )


def _stems(tracked: Tracked) -> frozenset[str]:
    """Every name that an import may call a tracked file or folder by."""
    found = set(tracked.folders)
    for path in tracked:
        found.add(path)
        folder, _, name = path.rpartition("/")
        start = f"{folder}/" if folder else ""
        found.update(f"{start}{name[:at]}" for at, letter in enumerate(name) if letter == ".")
    return frozenset(found)


def _unresolved(
    model: Model, file: str, aliases: dict[str, str], stems: frozenset[str]
) -> Iterator[_Wanted]:
    """Each name once, where it is first imported."""
    data = written(model.tracked, file) or b""
    absent: dict[str, _Wanted] = {}
    for match in _IMPORT.finditer(data):
        module = match[1].decode(errors="replace")
        path = _path(module, file, aliases)
        if path is None or _is_there(path, stems) or _is_elsewhere(model.tracked, path):
            continue
        place = Place(file, data.count(b"\n", 0, match.start(1)) + 1)
        absent.setdefault(module, _Wanted(module, path, place))
    if absent:
        imported = {it.module for it in model.javascript.module(file).imports}
        yield from (it for it in absent.values() if it.module in imported)


def _owner(model: Model, file: str) -> str:
    """The folder of the package that a file belongs to."""
    folder = posixpath.dirname(file)
    while folder and folder not in model.packages:
        folder = posixpath.dirname(folder)
    return folder


def _path(module: str, file: str, aliases: dict[str, str]) -> str | None:
    """Where the file of an import would be; None for what is no file of the repository."""
    module = module.partition("?")[0]
    if any(letter in module for letter in "*!${"):
        return None
    if module.startswith("."):
        return join(posixpath.dirname(file), module)
    start = next((it for it in aliases if module.startswith(it)), None)
    return join(aliases[start], module[len(start) :]) if start is not None else None


def _aliases(tracked: Tracked, folder: str) -> dict[str, str]:
    """`{"@/*": ["./src/*"]}` of the compiler's settings: the start of a name, and its folder."""
    path = posixpath.join(folder, "tsconfig.json")
    try:
        options = json.loads(tracked.text(path) or "{}")["compilerOptions"]
        base = join(folder, str(options.get("baseUrl", ".")))
        paths = dict(options["paths"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    found = {}
    for name, targets in paths.items():
        is_alone = sum(it.startswith(name[:2]) for it in paths) == 1
        if name in ("@/*", "~/*") and is_alone and isinstance(targets, list) and len(targets) == 1:
            there = join(base, str(targets[0]).removesuffix("*")) if base is not None else None
            if there is not None:
                found[name.removesuffix("*")] = there
    return found


def _is_there(path: str, stems: frozenset[str]) -> bool:
    """Whether something tracked may be meant, by any ending that a bundler tries."""
    return path in stems or _RESOLVED.sub("", path) in stems


def _is_elsewhere(tracked: Tracked, path: str) -> bool:
    """Whether it is a link, or lies behind one, or in a submodule: that is not looked into."""
    outer = {path, *(path[: match.start()] for match in re.finditer("/", path))}
    return any(it in outer or it.startswith(f"{path}.") for it in tracked.links) or bool(
        outer & tracked.submodules
    )


def _is_generated(path: str, folder: str) -> bool:
    inner = path[len(folder) :].strip("/") if path.startswith(folder) else path
    return any(_GENERATED.fullmatch(_RESOLVED.sub("", part)) for part in inner.split("/"))


def _ignored_by(tracked: Tracked, path: str) -> tuple[Place, str] | None:
    """The pattern of a `.gitignore` that leaves a file out, and where it stands."""
    folders = [""]
    for part in path.split("/")[:-1]:
        folders.append(posixpath.join(folders[-1], part))
    found: tuple[Place, str] | None = None
    for folder in folders:
        file = posixpath.join(folder, ".gitignore")
        if file not in tracked:
            continue
        inner = path[len(folder) :].lstrip("/")
        for at, line in enumerate(tracked.lines(file)[:_MOST_PATTERNS], 1):
            is_included = _matched(line.strip(), inner)
            if is_included is not None:
                found = (Place(file, at), line.strip()) if is_included else None
    return found


def _matched(line: str, inner: str) -> bool | None:
    """Whether a line of `.gitignore` leaves a file out; None where it says nothing of it."""
    pattern = globs.ignored_by(line)
    if pattern is None:
        return None
    return pattern.include if pattern.match_file(f"{inner}.ts") else None


def _is_meant(pattern: str) -> bool:
    """Whether somebody left out this very file, which then is made by a program.

    `lib/` of a template for another language leaves out more than it means to.
    """
    return "/" in pattern.strip("/")
