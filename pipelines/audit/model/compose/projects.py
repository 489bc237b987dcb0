"""Which Compose files make a project: bases, and the overrides that change them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pipelines.audit.findings import Unread
from pipelines.audit.model.compose.documents import Document, Library
from pipelines.audit.model.compose.environment import settings, variables
from pipelines.audit.model.compose.facts import Project
from pipelines.audit.model.compose.merging import as_names
from pipelines.audit.model.compose.parts import Scope, service
from pipelines.audit.model.roles import Role, role
from pipelines.audit.tracked import Tracked

_PLAIN = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_ABSTRACT = re.compile(r".*[._-]?(base|common|shared|templates?|services?)[._-].*")


def read(tracked: Tracked) -> tuple[tuple[Project, ...], tuple[Unread, ...]]:
    """Every base project, by file, and what could not be understood."""
    library = Library(tracked)
    documents = library.all()
    standing = {
        file: document
        for file, document in documents.items()
        if file not in library.included
        and not (file in library.extended and _ABSTRACT.fullmatch(file.rpartition("/")[2]))
    }
    bases = {file: _base(document, standing) for file, document in standing.items()}
    projects = tuple(
        _project(document, tracked, [standing[it] for it in bases if _root(it, bases) == file])
        for file, document in standing.items()
        if not bases[file]
    )
    return projects, tuple(library.unread)


def _root(file: str, bases: Mapping[str, str]) -> str:
    """The base at the end of a chain of overrides; "" for what is none, or goes in a circle."""
    seen = {file}
    base = bases[file]
    while base and bases.get(base) and base not in seen:
        seen.add(base)
        base = bases[base]
    return base if not bases.get(base) else ""


def _base(document: Document, documents: Mapping[str, Document]) -> str:
    """The file that this one changes; "" when it stands by itself."""
    folder, _, name = document.file.rpartition("/")
    if "override" in name:
        plain = re.sub(r"[._-]?overrides?", "", name)
        for candidate in _candidates(folder, [plain, *_PLAIN]):
            if candidate in documents and candidate != document.file:
                return candidate
    missing = _missing(document)
    if not missing:
        return ""
    above = folder.rpartition("/")[0]
    candidates = [
        *_candidates(folder, _PLAIN),
        *_candidates(above, _PLAIN),
        *_candidates("", _PLAIN),
    ]
    candidates += [file for file in documents if file.rpartition("/")[0] == folder]
    for candidate in candidates:
        if candidate == document.file or candidate not in documents:
            continue
        if missing & set(documents[candidate].services):
            return candidate
    return ""


def _candidates(folder: str, names: tuple[str, ...] | list[str]) -> list[str]:
    return [f"{folder}/{name}" if folder else name for name in names]


def _missing(document: Document) -> set[str]:
    """The services that a file does not define and yet counts on."""
    missing = set()
    defined = set(document.services)
    for name, node in document.services.items():
        if not (node["image"] or node["build"] or node["provider"] or node["extends"]):
            missing.add(name)
        needed = set(as_names(node["depends_on"]).fields)
        missing |= needed - defined
    return missing


def _project(document: Document, tracked: Tracked, overrides: list[Document]) -> Project:
    base = _made(document, tracked)
    changed = tuple(
        replace(
            _made(override.over(document), tracked),
            file=override.file,
            base=document.file,
            own=frozenset(override.services),
            is_development=role(override.file) is not Role.PRODUCTION,
        )
        for override in overrides
    )
    return replace(base, overrides=changed)


def _made(document: Document, tracked: Tracked) -> Project:
    folder = document.folders[document.file]
    values = _values(folder, tracked)
    scope = Scope(values, document.folders, folder)
    services = {
        name: replace(
            service(name, node, document.file, scope),
            environment=settings(node, scope, tracked),
        )
        for name, node in document.services.items()
    }
    return Project(
        file=document.file,
        services=services,
        networks=document.parts["networks"],
        volumes=document.parts["volumes"],
        secrets=document.parts["secrets"],
        is_development=role(document.file) is not Role.PRODUCTION,
        values=values,
        folder=folder,
    )


def _values(folder: str, tracked: Tracked) -> dict[str, str]:
    """What `.env` beside the project says; the folder itself is what people call ${PWD}."""
    start = {"PWD": "."}
    file = f"{folder}/.env" if folder else ".env"
    if file not in tracked:
        return start
    scope = Scope(start, {}, folder)
    return start | {it.name: it.text for it in variables(tracked, file, scope)}
