"""What is known of a Compose project: its services, their parts, and where each part stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.audit.model.nodes import Node
from pipelines.audit.place import Place


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
    """One published port: `host` is "" for all interfaces, `published` "" for a random one.

    `raw` is how it is written; where that takes a variable without a default, `is_known` is False,
    as nothing can be said of the interface then.
    """

    host: str
    published: str
    target: str
    place: Place
    raw: str = ""
    is_known: bool = True

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host.startswith("127.") or self.host in ("localhost", "::1", "[::1]")


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

    `dockerfile_text` is a `dockerfile_inline`. `is_unknown` for a context that is a URL, or takes a
    variable without a value: both paths are None then, and may well be there.
    """

    place: Place
    context: str | None
    dockerfile: str | None
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    dockerfile_text: str | None = None
    is_unknown: bool = False
    context_place: Place | None = None
    dockerfile_place: Place | None = None
    target_place: Place | None = None
    contexts: Mapping[str, str | None] = field(default_factory=dict)  # additional ones, by name


@dataclass(frozen=True)
class Words:
    """A command as words, or as the text of a shell: `text` is raw, with Compose's defaults.

    Compose splits a `command:` that is a text into words itself: no shell runs it. `is_shell` holds
    only for CMD-SHELL, and for a health check written as a text: `words` is then `(text,)`.
    No words at all clear what the image says.
    """

    words: tuple[str, ...]
    text: str
    place: Place
    is_shell: bool = False
    is_list: bool = False


@dataclass(frozen=True)
class HealthCheck:
    """`test` is None when only other keys are given; `is_off` for `disable` and `["NONE"]`.

    `test` is without its `CMD` or `CMD-SHELL`; its place is the line of the key `test:`.
    """

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

    @property
    def is_runnable(self) -> bool:
        """Whether it says what to run; a part of an override whose base is not known does not."""
        return bool(self.image) or self.build is not None


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
    own: frozenset[str] = frozenset()  # of an override: the services that it itself mentions
    values: Mapping[str, str] = field(default_factory=dict)  # of the `.env` beside it, if tracked
    folder: str = ""  # that its paths start at

    def dependents(self, name: str) -> Iterator[tuple[Service, Dependency]]:
        """Who depends on a service, and how."""
        yield from self._dependents.get(name, ())

    @cached_property
    def awaited(self) -> frozenset[str]:
        """The services that somebody waits for to complete."""
        return frozenset(
            dependency.name
            for service in self.services.values()
            for dependency in service.depends_on
            if dependency.condition == "service_completed_successfully"
        )

    @cached_property
    def _dependents(self) -> Mapping[str, list[tuple[Service, Dependency]]]:
        found: dict[str, list[tuple[Service, Dependency]]] = {}
        for service in self.services.values():
            for dependency in service.depends_on:
                found.setdefault(dependency.name, []).append((service, dependency))
        return found


def each(projects: tuple[Project, ...]) -> Iterator[tuple[Project, Service]]:
    """Every service with its project: of the bases all, of the overrides those that they mention.

    A service that a file changes is given twice: as it is without, and as it is with that file.
    """
    for project in projects:
        yield from ((project, service) for service in project.services.values())
        for override in project.overrides:
            for name, service in override.services.items():
                if name in override.own:
                    yield override, service


def each_once(projects: tuple[Project, ...]) -> Iterator[tuple[Project, Service]]:
    """Every service that says what to run, with its project, where it is first defined."""
    for project, service in each(projects):
        is_repeated = bool(project.base) and service.place.file != project.file
        if service.is_runnable and not is_repeated:
            yield project, service


def mended(projects: tuple[Project, ...], is_good: Callable[[Service], bool]) -> set[Place]:
    """Where the services are that are good with an override for production."""
    return {
        override.services[name].place
        for project in projects
        for override in project.overrides
        if not override.is_development
        for name in override.own
        if is_good(override.services[name])
    }
