"""What a Compose file says, in frozen values: the one description that every engine works from."""

from __future__ import annotations

import enum
import graphlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, Where


class Condition(enum.Enum):
    """What a dependent waits for."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


class RestartPolicy(enum.Enum):
    """What happens to a service that ended."""

    NO = "no"
    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    UNLESS_STOPPED = "unless-stopped"


@dataclass(frozen=True)
class Restart:
    """A restart policy; `attempts` bounds `on-failure` (None: without end)."""

    policy: RestartPolicy = RestartPolicy.NO
    attempts: int | None = None


@dataclass(frozen=True)
class Dependency:
    """One service that another waits for.

    `required=False`: a dependency that is not there is passed over. `restart=True`: the dependent
    restarts with it.
    """

    service: str
    condition: Condition = Condition.STARTED
    required: bool = True
    restart: bool = False
    where: Where | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Healthcheck:
    """How health is asked; times in seconds. `test` is ("CMD", word, ...) or ("CMD-SHELL", line).

    The defaults are the ones of Docker's HEALTHCHECK.
    """

    test: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0
    start_interval: float = 5.0


@dataclass(frozen=True)
class Port:
    """A port of the service; `published` is None where the engine may choose one.

    `host_ip` is empty for every address of the machine; an IPv6 address has no brackets.
    """

    target: int
    published: int | None = None
    host_ip: str = ""
    protocol: str = "tcp"
    where: Where | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class SecretGrant:
    """A secret that a service may read, as the file `target` (relative to /run/secrets)."""

    source: str
    target: str
    where: Where | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Secret:
    """Where a secret's value is: in a file, in a variable, or (neither) outside of the project."""

    name: str
    file: Path | None = None
    environment: str | None = None
    extension: Mapping[str, Any] = field(default_factory=dict)
    where: Where | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Mount:
    """A folder of the service. `kind` is `volume`, `bind` or `tmpfs`.

    `source` is a volume's name, an absolute path for `bind`, None where the engine chooses.
    """

    kind: str
    source: str | None
    target: str
    read_only: bool = False
    where: Where | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Service:
    """One service. An empty `command` or `entrypoint` stands for the image's own.

    `environment` is complete: `env_file` and variables passed through are in it. `build` stands as
    written, with a bare context as `{"context": ...}`. `extension` is its `x-summit`.
    """

    name: str
    where: Where
    image: str | None = None
    build: Mapping[str, Any] | None = None
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[Dependency, ...] = ()
    healthcheck: Healthcheck | None = None
    ports: tuple[Port, ...] = ()
    expose: tuple[int, ...] = ()
    secrets: tuple[SecretGrant, ...] = ()
    volumes: tuple[Mount, ...] = ()
    restart: Restart = field(default_factory=Restart)
    profiles: frozenset[str] = frozenset()
    working_dir: str | None = None
    stop_grace_period: float = 10.0
    stop_signal: str = "SIGTERM"
    extension: Mapping[str, Any] = field(default_factory=dict)

    def is_enabled(self, profiles: Collection[str]) -> bool:
        """Whether it takes part when these profiles are active; `*` stands for all of them."""
        return not self.profiles or "*" in profiles or not self.profiles.isdisjoint(profiles)


@dataclass(frozen=True)
class Project:
    """A whole Compose file; `volumes` are the named ones, `extension` its own `x-summit`."""

    name: str
    file: Path
    services: Mapping[str, Service]
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    extension: Mapping[str, Any] = field(default_factory=dict)

    def selected(
        self, profiles: Collection[str] = (), only: Collection[str] = ()
    ) -> dict[str, Service]:
        """The services that take part, in the file's order.

        Without `only`, those enabled by `profiles`; with it, those named and all they depend on,
        and the profiles of those named are active too. Dependencies that do not take part (they may
        if `required: false`) are left out of `depends_on`.

        Raises `ConfigError` for an unknown name and a dependency that no active profile enables.
        """
        for name in only:
            self._known(name)
        active = {
            *profiles,
            *(profile for name in only for profile in self.services[name].profiles),
        }
        wanted = only or [n for n, service in self.services.items() if service.is_enabled(active)]
        chosen = self._with_dependencies(wanted, active)
        return {
            name: replace(
                service, depends_on=tuple(d for d in service.depends_on if d.service in chosen)
            )
            for name, service in self.services.items()
            if name in chosen
        }

    def image(self, service: Service) -> str:
        """The image that a service runs; one that is built without a name has Compose's for it."""
        return service.image or f"{self.name}-{service.name}"

    def builders(self, services: Iterable[Service]) -> list[str]:
        """The services that have a build of an image that one of these runs."""
        wanted = {self.image(service) for service in services if service.build is not None}
        return [
            name
            for name, service in self.services.items()
            if service.build is not None and self.image(service) in wanted
        ]

    def start_order(self, services: Mapping[str, Service] | None = None) -> list[Service]:
        """The services (all, or a selection), each after those that it depends on."""
        chosen = self.services if services is None else services
        graph = {
            name: [d.service for d in service.depends_on if d.service in chosen]
            for name, service in chosen.items()
        }
        return [chosen[name] for name in graphlib.TopologicalSorter(graph).static_order()]

    def _known(self, name: str) -> None:
        if name not in self.services:
            raise ConfigError(f"no service called {name!r}", hint=nearest(name, self.services))

    def _with_dependencies(self, names: Iterable[str], active: Collection[str]) -> set[str]:
        chosen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in chosen:
                continue
            chosen.add(name)
            for dependency in self.services[name].depends_on:
                target = self.services[dependency.service]
                if target.is_enabled(active):
                    waiting.append(target.name)
                elif dependency.required:
                    known = ", ".join(sorted(target.profiles))
                    raise ConfigError(
                        f"{name!r} depends on {target.name!r}, which no active profile enables",
                        where=dependency.where,
                        hint=f"activate one of its profiles: {known}",
                    )
        return chosen
