"""Compose files with what they name: `extends` and `include`, within what Git tracks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model import nodes
from pipelines.audit.model.compose.merging import merge
from pipelines.audit.model.nodes import Node
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

_NAME = re.compile(r".*compose.*\.ya?ml|(docker-?)?(stack|swarm)([._-].*)?\.ya?ml")
_PARTS = ("networks", "volumes", "secrets", "configs")
_DEEPEST = 20  # services that extend one another, files that include one another
_MOST_SERVICES = 2_000  # of one file; people have a hundred


@dataclass(frozen=True)
class Document:
    """One file, with what it extends and includes; `folders` is where each file's paths start."""

    file: str
    services: Mapping[str, Node]
    parts: Mapping[str, Mapping[str, Node]] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)

    def over(self, under: Document) -> Document:
        """What this file makes of another; paths start where they do in the other."""
        folder = under.folders[under.file]
        services = dict(under.services)
        for name, node in self.services.items():
            before = services.get(name)
            # A service stays where it was first defined.
            services[name] = before.with_fields(merge(before, node).fields) if before else node
        parts = {part: {**under.parts[part], **self.parts[part]} for part in _PARTS}
        folders = {**self.folders, self.file: folder, **under.folders}
        return Document(under.file, services, parts, folders)


class Library:
    """Every Compose file of the repository, each read once."""

    def __init__(self, tracked: Tracked) -> None:
        self.tracked = tracked
        self.unread: list[Unread] = []
        self.included: set[str] = set()
        self.extended: set[str] = set()
        self._roots: dict[str, Node] = {}
        self._services: dict[tuple[str, str], Node] = {}
        self._documents: dict[str, Document] = {}
        self._sources: dict[str, set[str]] = {}

    def all(self) -> dict[str, Document]:
        """The documents of all files that are called as Compose files are, and have services."""
        files = [path for path in self.tracked if _is_named(path) and is_deployed(path)]
        return {file: self.document(file) for file in files if self._root(file)["services"].fields}

    def document(self, file: str, depth: int = _DEEPEST) -> Document:
        """One file, with everything that it extends and includes."""
        if file in self._documents:
            return self._documents[file]
        root = self._root(file)
        # For a file that includes itself: it is then without.
        self._documents[file] = Document(
            file, {}, {part: {} for part in _PARTS}, {file: _above(file)}
        )
        parts = {part: dict(root[part].fields) for part in _PARTS}
        folders = {file: _above(file)}
        services: dict[str, Node] = {}
        for included in self._included(root, file, depth):
            services.update(included.services)
            folders = {**included.folders, **folders}
            for part in _PARTS:
                parts[part] = {**included.parts[part], **parts[part]}
        self._sources[file] = set()
        names = list(root["services"].fields)
        for name in names[:_MOST_SERVICES]:
            services[name] = self._service(file, name, file, ())
        if len(names) > _MOST_SERVICES:
            beyond = root["services"][names[_MOST_SERVICES]].key_place
            reason = f"more than {_MOST_SERVICES} services: these are not read"
            self.unread.append(Unread(beyond, reason))
        folders = {source: _above(source) for source in self._sources[file]} | folders
        self._documents[file] = Document(file, services, parts, folders)
        return self._documents[file]

    def _included(self, root: Node, file: str, depth: int) -> list[Document]:
        found = []
        for item in root["include"].items if depth else ():
            paths = item["path"].texts if item.is_mapping else [item.text]
            documents = [
                self.document(path, depth - 1)
                for path in (self._beside(file, path) for path in paths)
                if path is not None and path != file
            ]
            self.included.update(document.file for document in documents)
            merged = documents[:1]
            for document in documents[1:]:
                merged = [document.over(merged[0])]
            found += merged
        return found

    def _service(self, file: str, name: str, user: str, trail: tuple[tuple[str, str], ...]) -> Node:
        """A service with all that it extends; `user` is the file that is being read."""
        self._sources[user].add(file)
        node = self._root(file)["services"][name]
        extends = node["extends"]
        base = extends["service"].text if extends.is_mapping else extends.text
        if not base:
            return node
        source = extends["file"].text
        other = self._beside(file, source) if source else file
        if other is None:
            return node
        if (other, base) in trail or len(trail) > _DEEPEST:
            self.unread.append(Unread(extends.key_place, f"{name} extends itself"))
            return node
        if other != file:
            self.extended.add(other)
        under = self._service(other, base, user, (*trail, (file, name)))
        return merge(under, node) if under.is_mapping else node

    def _beside(self, file: str, path: str) -> str | None:
        found = join(_above(file), path)
        return found if found in self.tracked else None

    def _root(self, file: str) -> Node:
        if file not in self._roots:
            self._roots[file] = self._read(file)
        return self._roots[file]

    def _read(self, file: str) -> Node:
        text = self.tracked.text(file) or ""
        if "services" not in text:
            return Node(None, file)
        try:
            return nodes.read(text, file)
        except nodes.Broken as error:
            self.unread.append(Unread(Place(file, error.line), error.reason))
            return Node(None, file)


def _is_named(path: str) -> bool:
    is_template = "{{" in path  # of a project that is yet to be made
    return bool(_NAME.fullmatch(path.rpartition("/")[2].lower())) and not is_template


def _above(file: str) -> str:
    return file.rpartition("/")[0]
