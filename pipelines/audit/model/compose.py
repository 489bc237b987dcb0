"""Compose files: services with everything that is merged into them, and where each part stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model.nodes import Node
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Setting:
    """One variable of a service: `raw` as it is written, `text` with Compose's own defaults.

    `raw` is None for a name alone (`- NAME`), which Compose takes from its own environment.
    `source` is the env file it came from, "" for `environment:`.
    """

    name: str
    raw: str | None
    text: str
    place: Place
    source: str = ""


@dataclass(frozen=True)
class Port:
    """One published port: `host` is "" for all interfaces, `published` "" for a random one."""

    host: str
    published: str
    target: str
    place: Place


@dataclass(frozen=True)
class Mount:
    """`kind` is "bind", "volume" or "tmpfs"; a bind's `source` is as written, with its defaults.

    `path` is the bound file or folder relative to the root of the audit; None when outside of it.
    """

    kind: str
    source: str
    target: str
    place: Place
    path: str | None = None
    is_read_only: bool = False


@dataclass(frozen=True)
class Build:
    """Where an image is built: paths relative to the root of the audit, None when outside of it.

    `dockerfile_text` is a `dockerfile_inline`.
    """

    place: Place
    context: str | None
    dockerfile: str | None
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    dockerfile_text: str | None = None


@dataclass(frozen=True)
class Words:
    """A command as words, or as the text of a shell: `text` is raw, with Compose's defaults.

    Compose splits a `command:` that is a text into words itself: no shell runs it. `is_shell` holds
    only for CMD-SHELL, and for a health check written as a text.
    """

    words: tuple[str, ...]
    text: str
    place: Place
    is_shell: bool = False
    is_list: bool = False


@dataclass(frozen=True)
class HealthCheck:
    """`test` is None when only other keys are given; `is_off` for `disable` and `["NONE"]`."""

    place: Place
    test: Words | None
    is_off: bool = False


@dataclass(frozen=True)
class Dependency:
    """`condition` is "service_started" where none is given."""

    name: str
    condition: str
    place: Place


@dataclass(frozen=True)
class Service:
    """One service as Compose would run it, of one project.

    `place` is the line of its name in the file that first defines it. `node` is the merged mapping;
    each of its parts knows its own file.
    """

    name: str
    project: str  # the base file
    place: Place
    node: Node
    image: str = ""
    image_place: Place | None = None
    build: Build | None = None
    command: Words | None = None
    entrypoint: Words | None = None
    health: HealthCheck | None = None
    depends_on: tuple[Dependency, ...] = ()
    environment: Mapping[str, Setting] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    restart: str = ""
    profiles: tuple[str, ...] = ()
    user: str = ""
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """A base file with everything it includes and extends, and no override.

    `overrides` are the projects that one more file makes of it (`compose.override.yaml`,
    `docker-compose.prod.yml`): whole projects again, whose parts know their own file. A file is an
    override when its services would not run by themselves, or its name says so.
    """

    file: str
    services: Mapping[str, Service]
    networks: Mapping[str, Node] = field(default_factory=dict)
    volumes: Mapping[str, Node] = field(default_factory=dict)
    secrets: Mapping[str, Node] = field(default_factory=dict)
    overrides: tuple[Project, ...] = ()
    base: str = ""  # of an override: the file it changes
    is_development: bool = False  # by its name or folder: dev, local, test, ci, example, override


def read(tracked: Tracked) -> tuple[tuple[Project, ...], tuple[Unread, ...]]:
    """Every base project, by file, and what could not be understood."""
    return (), ()
