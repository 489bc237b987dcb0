"""From a Compose file to a project: read, check, build, and see that every name is known."""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pipelines.compose import schema
from pipelines.compose.environment import read_dotenv
from pipelines.compose.interpolation import substitute
from pipelines.compose.model import Project, Secret, Service
from pipelines.compose.ports import refuse_conflicts
from pipelines.compose.services import read_extension, read_service
from pipelines.documents import document, shapes
from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, Where

# In the order in which the Compose specification prefers them.
FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_SOURCES = ("file", "environment", "external", "driver")


def find(folder: Path) -> Path | None:
    """The Compose file in a folder."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def of(folder: Path, *, environ: Mapping[str, str]) -> Project:
    """The project of the Compose file in a folder; raises `ConfigError` as `load` does."""
    file = find(folder)
    if file is None:
        raise ConfigError(f"no {FILES[0]} in {folder}")
    return load(file, environ=environ)


def load(file: Path, *, environ: Mapping[str, str]) -> Project:
    """The project that `file` describes; relative paths in it are taken from its folder.

    Variables come from `environ`, then from `.env` beside the file.
    Raises `ConfigError`, with file and line, for the first thing that is wrong.
    """
    folder = file.resolve().parent
    variables = read_dotenv(folder, environ)
    root = _read(file, variables)
    services = {
        name: read_service(name, entry, folder, variables)
        for name, entry in _section(root, "services").items()
    }
    project = Project(
        name=_name(root, folder, variables),
        file=file,
        services={name: _with_known(service, services) for name, service in services.items()},
        secrets={n: _secret(n, entry, folder) for n, entry in _section(root, "secrets").items()},
        volumes={n: entry.plain() or {} for n, entry in _section(root, "volumes").items()},
        extension=read_extension(root),
    )
    _check(project, root)
    return project


def written(file: Path, *, environ: Mapping[str, str]) -> Entry:
    """The checked file itself, variables replaced: for the keys that only container engines heed.

    Raises `ConfigError` as `load` does.
    """
    return _read(file, read_dotenv(file.resolve().parent, environ))


def _read(file: Path, variables: Mapping[str, str]) -> Entry:
    root = document.read(file, expand=lambda text, at: substitute(text, variables, at))
    shapes.check(root, schema.FILE)
    if "include" in root.fields:
        raise root.fields["include"].error("not supported", hint="write one file")
    return root


def _section(root: Entry, key: str) -> dict[str, Entry]:
    return root.fields[key].fields if key in root.fields else {}


def _name(root: Entry, folder: Path, variables: Mapping[str, str]) -> str:
    if given := variables.get("COMPOSE_PROJECT_NAME"):
        return given
    if "name" in root.fields:
        entry = root.fields["name"]
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", entry.text):
            raise entry.error(
                f"{entry.text!r} is not a project name",
                hint="lower case letters, digits, dashes and underscores",
            )
        return entry.text
    return re.sub(r"[^a-z0-9_-]", "", folder.name.lower()).lstrip("_-") or "default"


def _with_known(service: Service, services: Mapping[str, Service]) -> Service:
    """The service without those dependencies that may be missing and are."""
    there = tuple(d for d in service.depends_on if d.required or d.service in services)
    return replace(service, depends_on=there)


def _secret(name: str, entry: Entry, folder: Path) -> Secret:
    fields = entry.fields
    sources = [key for key in _SOURCES if key in fields]
    if len(sources) != 1:
        raise entry.error(f"expected one of {', '.join(_SOURCES)}, not {len(sources)}")
    return Secret(
        name=name,
        file=folder / fields["file"].text if "file" in fields else None,
        environment=fields["environment"].text if "environment" in fields else None,
        extension=read_extension(entry),
        where=entry.where,
    )


def _check(project: Project, root: Entry) -> None:
    for service in project.services.values():
        path = f"services.{service.name}"
        for d in service.depends_on:
            _refer(f"{path}.depends_on", "service", d.service, project.services, d.where)
        for grant in service.secrets:
            _refer(f"{path}.secrets", "secret", grant.source, project.secrets, grant.where)
        for mount in service.volumes:
            if mount.kind == "volume" and mount.source is not None:
                _refer(f"{path}.volumes", "volume", mount.source, project.volumes, mount.where)
    for name, entry in _section(root, "services").items():
        _check_kept(f"services.{name}", entry, root)
    _refuse_cycles(project)
    refuse_conflicts(project.services.values())


def _check_kept(path: str, service: Entry, root: Entry) -> None:
    """The names that stand in fields which only container engines use."""
    known = {
        "networks": {"default", *_section(root, "networks")},
        "configs": _section(root, "configs"),
    }
    for key, names in known.items():
        if key in service.fields:
            for name, where in _names(service.fields[key]):
                _refer(f"{path}.{key}", key.removesuffix("s"), name, names, where)


def _names(entry: Entry) -> Iterable[tuple[str, Where]]:
    if isinstance(entry.value, dict):
        return [(name, item.where) for name, item in entry.fields.items()]
    return [
        (item.text if isinstance(item.value, str) else item.fields["source"].text, item.where)
        for item in entry.items
    ]


def _refer(path: str, kind: str, name: str, known: Iterable[str], where: Where | None) -> None:
    if name not in known:
        raise ConfigError(
            f"{path}: no {kind} called {name!r}", where=where, hint=nearest(name, known)
        )


def _refuse_cycles(project: Project) -> None:
    graph = {n: [d.service for d in s.depends_on] for n, s in project.services.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        cycle = list(reversed(error.args[1]))  # graphlib names what is needed first
        first = project.services[cycle[0]]
        where = next(d.where for d in first.depends_on if d.service == cycle[1])
        raise ConfigError(
            f"services depend on each other in a cycle: {' -> '.join(cycle)}", where=where
        ) from error
