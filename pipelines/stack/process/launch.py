"""From a Compose service to the local process it becomes: words and addresses, nothing started."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.compose.model import Condition, Healthcheck, Project, Restart, Service
from pipelines.errors import ConfigError, MachineError, Where
from pipelines.stack import ports
from pipelines.stack.place import Place
from pipelines.stack.process import mounts
from pipelines.stack.process.cluster import Cluster
from pipelines.stack.process.local import SECRETS, Local
from pipelines.stack.process.probes import Probe

MARK = (
    "SUMMIT_STACK"  # in the environment of every process of a stack; its value is the state folder
)
# What a local process needs of its surroundings. Everything else must stand in the Compose file,
# as it must for a container. COVERAGE_*: a measured test run measures the services as well.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONDONTWRITEBYTECODE")
INHERITED_PREFIX = "COVERAGE_"
# The words under `x-summit`, by where it stands.
OF_PROJECT = {"preload"}
OF_SECRET = {"generate", "entropy", "rotate", "reload"}
OF_SERVICE = {"process", "probe", "program"}


@dataclass(frozen=True)
class Launch:
    """One service as a local process, resolved and ready to start. Holds no secret's value."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    port: int | None
    probe: Probe | None
    depends_on: dict[str, Condition]
    restart: Restart
    stop_signal: str
    stop_grace: float  # seconds between asking a process to stop and killing it
    cluster: Cluster | None = None
    forked: bool = False  # from the preloaded interpreter; else started afresh

    @property
    def is_job(self) -> bool:
        """It is expected to end: nothing asks for its health and nothing restarts it when done."""
        return self.probe is None and self.restart.policy.value in ("no", "on-failure")


@dataclass(frozen=True)
class Layout:
    """What the services of one stack must know of each other's place on this machine."""

    place: Place
    project: Project
    services: frozenset[str]  # those that run or are about to
    ports: dict[str, int]
    hosts: Mapping[str, str] = field(default_factory=dict)  # of those elsewhere
    fork: bool = True
    python: str = sys.executable

    def launch(self, service: Service) -> Launch:
        here = self._here(service)
        cluster = self._cluster(service, here) if service.extension.get("process") else None
        command = cluster.command if cluster else tuple(map(here.word, self._words(service)))
        return Launch(
            name=service.name,
            command=command,
            environment=self._environment(service, here, cluster),
            directory=str(self.place.root),
            port=self.ports.get(service.name),
            probe=_probe(service, service.healthcheck, self.python),
            depends_on={
                d.service: d.condition
                for d in service.depends_on
                if d.required or d.service in self.services
            },
            restart=service.restart,
            stop_signal="SIGINT" if cluster else service.stop_signal,
            stop_grace=service.stop_grace_period,
            cluster=cluster,
            forked=self.fork
            and _can_be_forked(command, self.python)
            and "preload" in self.project.extension,
        )

    def _cluster(self, service: Service, here: Local) -> Cluster:
        kind = service.extension["process"]
        if kind != "postgres":
            raise ConfigError(
                f"{service.name}: x-summit.process {kind!r} is unknown; known: postgres",
                where=service.where,
            )
        volume = next((m.source for m in service.volumes if m.kind == "volume"), None)
        password = service.environment.get("POSTGRES_PASSWORD_FILE", "")
        if volume is None or not password:
            raise ConfigError(
                f"{service.name}: a PostgreSQL process needs a named volume for its data and "
                "POSTGRES_PASSWORD_FILE",
                where=service.where,
            )
        superuser = service.environment.get("POSTGRES_USER", "postgres")
        return Cluster.at(
            self.place.volumes / volume,
            port=self.ports[service.name],
            superuser=superuser,
            password_file=Path(here.value(password)),
            database=service.environment.get("POSTGRES_DB", superuser),
        )

    def _environment(
        self, service: Service, here: Local, cluster: Cluster | None
    ) -> dict[str, str]:
        environment = inherited(self.python)
        environment |= {k: here.value(v) for k, v in service.environment.items()}
        if service.name in self.ports and "PORT" in service.environment:
            environment["PORT"] = str(self.ports[service.name])
        if cluster:
            environment["PGPORT"] = str(cluster.port)
            environment["PATH"] = f"{cluster.programs}{os.pathsep}{environment['PATH']}"
        environment[MARK] = str(self.place.state)
        return environment

    def _words(self, service: Service) -> tuple[str, ...]:
        words = _words(service)
        return (self.python, *words[1:]) if words[0] in ("python", "python3") else words

    def _here(self, service: Service) -> Local:
        """What the words of the file stand for on this machine; a program's folders are made."""
        port = _container_port(service)
        listens = {port: self.ports[service.name]} if port else {}
        grants = {SECRETS: self.place.grants / service.name}
        local = Local(self.ports, grants, listens, self.hosts)
        return mounts.provide(service, self.place, local) if _program(service) else local


def inherited(python: str = sys.executable) -> dict[str, str]:
    """What a service's process shares with the engine; the programs of its Python come first."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIX)
    }
    programs = str(Path(python).parent)
    kept["PATH"] = os.pathsep.join([programs, kept.get("PATH", os.defpath)])
    return kept


def assign_ports(
    services: Mapping[str, Service],
    *,
    running: Mapping[str, int],
    is_free: Callable[[int], bool] = ports.is_free,
    keep_usual: bool = True,
) -> dict[str, int]:
    """A local port per service that listens: the one it runs on, its usual one, or any free one.

    A service can be moved when its environment has `PORT`, or when the engine starts it itself;
    without `keep_usual` every such one is. Raises ConfigError for a taken port that nothing can
    move.
    """
    chosen = {name: port for name, port in running.items() if name in services}
    for service in services.values():
        usual = _usual_port(service)
        if usual is None or service.name in chosen:
            continue
        can_move = "PORT" in service.environment or bool(
            {"process", "program"} & service.extension.keys()
        )
        stays = keep_usual or not can_move
        if stays and usual not in chosen.values() and is_free(usual):
            chosen[service.name] = usual
        elif can_move:
            chosen[service.name] = ports.any_free()
        else:
            raise ConfigError(
                f"{service.name}: port {usual} is taken",
                where=service.where,
                hint="stop what listens there, or let the service read PORT so that it can move",
            )
    return chosen


def usual_ports(services: Mapping[str, Service]) -> dict[str, int]:
    """Where each service listens when nothing is in the way."""
    usual = {name: _usual_port(service) for name, service in services.items()}
    return {name: port for name, port in usual.items() if port is not None}


def _usual_port(service: Service) -> int | None:
    for port in service.ports:
        return port.published or port.target
    return service.expose[0] if service.expose else None


def _container_port(service: Service) -> int | None:
    for port in service.ports:
        return port.target
    return service.expose[0] if service.expose else None


def _program(service: Service) -> list[str]:
    """The names of what stands on this machine for the image's own program."""
    names = service.extension.get("program", [])
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    raise ConfigError(
        f"{service.name}.x-summit.program: must be a list of names", where=service.where
    )


def _words(service: Service) -> tuple[str, ...]:
    words = (*service.entrypoint, *service.command)
    if names := _program(service):
        found = next(filter(None, map(shutil.which, names)), None)
        if found is None:
            raise MachineError(
                f"{service.name}: this machine has no program {' or '.join(names)}",
                hint="install it, or use `inv up --engine docker`",
            )
        return (found, *words)
    if not words:
        raise ConfigError(
            f"{service.name}: neither `command` nor `entrypoint` says what to start",
            where=service.where,
            hint="what only its image knows takes a container: `inv up --engine docker`",
        )
    return words


def _can_be_forked(command: tuple[str, ...], python: str) -> bool:
    # macOS: system frameworks do not survive a fork without exec.
    return hasattr(os, "fork") and sys.platform != "darwin" and command[:2] == (python, "-m")


def _probe(service: Service, check: Healthcheck | None, python: str) -> Probe | None:
    if check is None or check.test[:1] == ("NONE",):
        return None
    asked = service.extension.get("probe", {}).get("http")
    kind, *words = check.test
    command = ("/bin/sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)
    return Probe(
        http=asked,
        command=(python, *command[1:]) if command[0] == "python" else command,
        interval=check.interval,
        timeout=check.timeout,
        retries=check.retries,
        start_period=check.start_period,
        start_interval=check.start_interval,
    )


def check_extensions(project: Project) -> None:
    """Raise ConfigError for a word under `x-summit` that this engine does not know."""
    _check_words(project.extension, OF_PROJECT, "x-summit", Where(project.file))
    for secret in project.secrets.values():
        owner = f"secrets.{secret.name}.x-summit"
        _check_words(secret.extension, OF_SECRET, owner, Where(project.file))
    for service in project.services.values():
        _check_words(service.extension, OF_SERVICE, f"{service.name}.x-summit", service.where)


def _check_words(words: Iterable[str], known: set[str], owner: str, where: Where) -> None:
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
            raise ConfigError(f"{owner}.{word}: unknown key", where=where, hint=hint)
