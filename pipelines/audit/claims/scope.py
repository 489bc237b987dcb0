"""Where a claim holds: the files and the services that it names, or the whole repository."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath

from pipelines.audit.findings import Finding
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Project, Service
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

_PATH = re.compile(r"[\w.@{}*+-]+(?:/[\w.@{}*+-]+)*/?")
_MOST = 20  # files; a name that so many have names none of them
_PATTERNS = 50  # that are held against all files
_ASIDE = (Role.DEVELOPMENT, Role.EXAMPLE)  # counts only where a claim names it
_MARKERS = ("Dockerfile", "package.json", "requirements.txt", "pyproject.toml", "go.mod")
# Words that name a component only in backticks, or before "service".
_PLAIN = re.compile(
    r"api|apps?|audit|auth|backend|base|build|cache|check|ci|clients?|common|config|core"
    r"|dashboard|data|database|db|default|deploy|dev|docker|docs|e2e|edge|events|frontend"
    r"|gateway|health|images?|infra|infrastructure|lib|local|logging|logs|main|metrics"
    r"|migrations?|monitoring|packages?|platform|prod|production|proxy|queue|scheduler|scripts"
    r"|sdk|security|server|services?|shared|site|sources?|src|storage|tests?|testing|tools"
    r"|tracing|ui|utils|web|website|workers?"
)


class Layout:
    """Which services and components the repository has, and where they live."""

    def __init__(self, model: Model) -> None:
        self.tracked: Tracked = model.tracked
        self._projects = model.projects
        self._matched: dict[str, list[str]] = {}
        self._homes: dict[str, str] = {}

    @cached_property
    def services(self) -> dict[str, tuple[Service, ...]]:
        found: dict[str, list[Service]] = {}
        for project in _all(self._projects):
            for service in project.services.values():
                found.setdefault(service.name, []).append(service)
        return {name: tuple(services) for name, services in sorted(found.items())}

    @cached_property
    def folders(self) -> Mapping[str, tuple[str, ...]]:
        """The folders of every service that is built here, and of every other component."""
        found: dict[str, set[str]] = {}
        for path in self.tracked.named(*_MARKERS):
            folder = PurePosixPath(path).parent
            if folder.name and role(path) is not Role.VENDORED:
                found.setdefault(folder.name, set()).add(str(folder))
        for name, services in self.services.items():
            folders = {folder for it in services for folder in _folders(it)}
            if folders:
                found.setdefault(name, set()).update(folders)
        return {name: tuple(sorted(folders)) for name, folders in sorted(found.items())}

    def is_built(self, service: str) -> bool:
        return any(it.build for it in self.services.get(service, ()))

    def owner(self, place: Place) -> str:
        """The service in whose part of a Compose file a line stands; "" for another file."""
        starts = self._starts.get(place.file, ())
        at = bisect_right(starts, (place.line, "\U0010ffff")) - 1
        return starts[at][1] if at >= 0 else ""

    @cached_property
    def _starts(self) -> dict[str, tuple[tuple[int, str], ...]]:
        found: dict[str, set[tuple[int, str]]] = {}
        for services in self.services.values():
            for it in services:
                found.setdefault(it.place.file, set()).add((it.place.line, it.name))
        return {file: tuple(sorted(starts)) for file, starts in found.items()}

    def named(self, text: str) -> frozenset[str]:
        """The services and components that a text speaks of."""
        lower = text.lower()
        return frozenset(
            name
            for name, start, pattern in self._patterns
            if start in lower and pattern.search(text)
        )

    @cached_property
    def _patterns(self) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
        names = {*self.folders, *self.services}
        return tuple(
            (
                name,
                re.split(r"[-_ ]", name.lower())[0],  # a cheap look before
                _pattern(
                    name, is_plain=bool(_PLAIN.fullmatch(name.lower())) or name not in self.folders
                ),
            )
            for name in sorted(names)
        )

    def home(self, document: str) -> str:
        """The component in whose folder a document lies, or which its path names; else ""."""
        if document not in self._homes:
            self._homes[document] = self._home(document)
        return self._homes[document]

    def _home(self, document: str) -> str:
        homes = [
            (len(folder), name)
            for name, folders in self.folders.items()
            for folder in folders
            if folder and document.startswith(f"{folder}/")
        ]
        if homes:
            return max(homes)[1]
        parts = PurePosixPath(document).with_suffix("").parts[::-1]
        names = {it.lower(): it for it in self.folders if not _PLAIN.fullmatch(it.lower())}
        return next((names[it.lower()] for it in parts if it.lower() in names), "")

    def files(self, text: str, document: str) -> Iterator[str]:
        """The tracked files and folders (with a `/` at the end) that a text names there."""
        folder = document.rpartition("/")[0]
        near = tuple(f"{it}/" for it in self.folders.get(self.home(document), ()))
        for match in _PATH.finditer(text):
            word = match[0].rstrip(".")
            if "/" in word or "." in word or word.lower() == "makefile":
                yield from self._found(word, folder, near)

    def _found(self, word: str, folder: str, near: tuple[str, ...]) -> Iterator[str]:
        for path in (join("", word), join(folder, word)):
            if path and path in self.tracked:
                yield path
                return
            if path and path in self.tracked.folders and "/" in word:
                yield f"{path}/"
                return
        if "*" in word:
            found = self._matching(word)
        else:
            found = self._by_name.get(word.rpartition("/")[2], [])
            found = [path for path in found if path == word or path.endswith(f"/{word}")]
        found = [path for path in found if path.startswith(near)] or found
        if len(found) <= _MOST:
            yield from found

    def _matching(self, pattern: str) -> list[str]:
        """The files that a pattern names; of a flood of patterns the first ones count."""
        if pattern not in self._matched and len(self._matched) < _PATTERNS:
            found = [path for path in self.tracked if fnmatchcase(path, pattern)]
            self._matched[pattern] = found[: _MOST + 1]
        return self._matched.get(pattern, [])

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.tracked:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found


def _all(projects: Iterable[Project]) -> Iterator[Project]:
    for project in projects:
        yield project
        yield from _all(project.overrides)


def _folders(service: Service) -> Iterator[str]:
    """The folder of a service that is built here: its context, or what its Dockerfile is in."""
    if service.build is None:
        return
    if service.build.context:
        yield service.build.context
    elif service.build.dockerfile and "/" in service.build.dockerfile:
        yield service.build.dockerfile.rpartition("/")[0]


def _pattern(name: str, *, is_plain: bool) -> re.Pattern[str]:
    words = r"[-_ ]?".join(re.escape(part) for part in re.split(r"[-_ ]+", name))
    if is_plain:
        words = rf"`{words}`|(?<![\w./-]){words} (?:service|container|image)\b"
    return re.compile(rf"(?<![\w./-])(?:{words})(?![\w/-])", re.IGNORECASE)


@dataclass(frozen=True)
class Scope:
    """Where a claim holds. Without files and services it is the whole repository.

    `is_for_all` says that the claim speaks of all there are; `is_own` that only what is built here
    is meant; `is_implied` that it names no place, and its document speaks of one component.
    """

    layout: Layout
    files: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    is_for_all: bool = False
    is_own: bool = False
    is_implied: bool = False

    @property
    def is_whole(self) -> bool:
        return not self.files and not self.services

    @property
    def is_named(self) -> bool:
        """Whether the claim itself says where it holds."""
        return not self.is_whole and not self.is_implied

    @cached_property
    def _folders(self) -> tuple[str, ...]:
        folders = {
            f"{folder}/" for name in self.services for folder in self.layout.folders.get(name, ())
        }
        return tuple(sorted({*folders, *(file for file in self.files if file.endswith("/"))}))

    def holds(self, finding: Finding) -> bool:
        """Whether the finding stands where the claim holds."""
        places = (finding.place, *(also.place for also in finding.also))
        owner = finding.service or self.layout.owner(finding.place)
        if self.is_own and owner and not self.layout.is_built(owner):
            return False
        if not self.is_named and role(finding.place.file) in _ASIDE:
            return False
        if self.is_whole:
            return True
        if owner in self.services:
            return True
        if self.services and owner in self.layout.services:
            return False
        return any(self.has(place.file) for place in places)

    def names(self, finding: Finding) -> bool:
        """Whether the claim names the very service, or a file of it."""
        if not self.is_named:
            return False
        owner = finding.service or self.layout.owner(finding.place)
        is_shared = bool(self.layout.owner(finding.place))
        is_file_named = self.has(finding.place.file)
        return owner in self.services or (is_file_named and not is_shared)

    def has(self, file: str) -> bool:
        """Whether a file is in it."""
        return self.is_whole or file in self.files or file.startswith(self._folders)

    def touches(self, file: str) -> bool:
        """Whether a file is in it, or says what one of its services is."""
        return self.has(file) or any(
            it.place.file == file
            for name in self.services
            for it in self.layout.services.get(name, ())
        )
