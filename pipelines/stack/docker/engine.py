"""The docker engine as every command sees it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import docker
from docker.errors import APIError
from docker.models.containers import Container

from pipelines.compose.model import Service
from pipelines.containers import connect
from pipelines.containers.client import PATIENCE, endpoint, is_here
from pipelines.errors import ConfigError, MachineError, SummitError
from pipelines.images import bases, override
from pipelines.programs import process
from pipelines.stack import secrets
from pipelines.stack.docker import health, images, logs, move, states
from pipelines.stack.docker.project import ComposeProject
from pipelines.stack.docker.start import Start, said
from pipelines.stack.engine import OnChange, Running, Show
from pipelines.stack.health import SMOKE, Answer, NotHealthy, NotRunning, SmokeFailed
from pipelines.stack.place import one_command_at_a_time
from pipelines.stack.ports import HOST, moved
from pipelines.stack.stack import Stack
from pipelines.stack.status import Status


class EngineElsewhere(MachineError):
    """The engine found is another machine's."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"the container engine at {address} is another machine's, and the stack mounts files"
            " of this one",
            hint="use one of this machine, or `--engine process`",
        )


class Refused(SummitError):
    """The engine cannot do what it was asked for."""

    def __init__(self, error: APIError) -> None:
        hint = "" if error.is_server_error() else "the stack has changed meanwhile; see `inv ps`"
        super().__init__(f"the container engine refuses: {said(error)}", hint=hint)


@dataclass(frozen=True)
class DockerEngine:
    """Services as containers of the Compose project."""

    stack: Stack
    described: str
    name: str = "docker"

    @classmethod
    def connected(cls, stack: Stack) -> DockerEngine:
        """The engine of this machine, which has answered.

        Raises `EngineDown`, `EngineOld`, and `EngineElsewhere` for another machine's.
        """
        address = str(endpoint()["base_url"])
        if not is_here(address):
            raise EngineElsewhere(address)
        with connect() as client:
            version = client.version()["Version"]
        return cls(stack, f"docker {version} at {address}")

    @property
    def project(self) -> ComposeProject:
        return ComposeProject(self.stack)

    def prepare(self) -> list[Path]:
        """Make what `docker compose` takes to bring the stack up without us; starts nothing.

        That is every secret and, on local bases, the override. Returns the files to give to it.
        """
        self.stack.place.prepare()
        project = self.stack.project
        secrets.generate(project, project.services.values())
        with _asked() as client:
            bases.refresh(client, self.stack.place.root)
        files = (project.file, self.stack.place.root / override.FILE)
        return [file for file in files if file.exists()]

    def up(
        self,
        *,
        only: Sequence[str],
        profiles: Sequence[str],
        timeout: float,
        on_change: OnChange,
    ) -> Running:
        self.stack.place.prepare()
        self.stack.place.engine.write_text(f"{self.name}\n")
        services = self.stack.project.selected(profiles=profiles, only=only)
        secrets.generate(self.stack.project, services.values())
        with _asked(timeout=timeout + PATIENCE) as client:  # its events may be as long in coming
            was_running = bool(self.project.containers(client))
            try:
                with one_command_at_a_time(self.stack.place):
                    containers = self._created(client, services)
                Start(client, services, containers).run(
                    self.project.name, timeout=timeout, on_change=on_change
                )
            except (KeyboardInterrupt, SystemExit):
                if not was_running:
                    self.down()
                raise
        return self.now()

    def down(self, *, volumes: bool = False) -> None:
        words = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
        # Known: not another checkout's.
        with self._known() as (client, _), one_command_at_a_time(self.stack.place):
            self.project.call("cannot stop the stack", *words, profiles=["*"])
            if volumes:
                self.project.drop_volumes(client)
            self.project.ports.unlink(missing_ok=True)
            self.stack.place.engine.unlink(missing_ok=True)

    def restart(self, names: Sequence[str], *, timeout: float, on_change: OnChange) -> None:
        with self._required(timeout=timeout + PATIENCE) as (client, containers):
            services = self.stack.project.services
            for name in names:
                if name not in containers:
                    raise NotRunning(name)
            chosen = {
                name: services[name]
                for name in names or containers
                if name in services and (names or not states.is_job(services[name]))
            }
            apart = {  # each by itself: what it depends on runs already
                name: _alone(service, chosen) for name, service in chosen.items()
            }
            with one_command_at_a_time(self.stack.place):
                for name, service in chosen.items():
                    containers[name].stop(timeout=int(service.stop_grace_period))
            Start(client, apart, containers).run(
                self.project.name, timeout=timeout, on_change=on_change
            )

    def now(self) -> Running:
        with self._known() as (_, containers):
            pass
        services = self.stack.project.services
        moment = time.time()
        found = {
            name: (service, containers[name].attrs)
            for name, service in services.items()
            if name in containers
        }
        statuses = [states.status(service, it, now=moment) for service, it in found.values()]
        return Running(
            statuses=tuple(statuses),
            addresses={s.name: f"http://{HOST}:{s.port}" for s in statuses if s.port},
            notices=tuple(_moved(services, statuses)),
        )

    def health(self) -> dict[str, tuple[Answer, float]]:
        with self._required() as (_, containers):
            return health.ask_all(containers)

    def logged(self) -> list[str]:
        with self._known() as (_, containers):
            return sorted(containers)

    def tail(self, service: str, lines: int) -> list[str]:
        with self._known() as (_, containers):
            return logs.tail(containers[service], lines) if service in containers else []

    def follow(self, services: Sequence[str], show: Show) -> None:
        with self._known() as (_, containers):
            logs.follow({name: containers[name] for name in services if name in containers}, show)

    def smoke(self) -> None:
        project = self.stack.project
        jobs = {n: s for n, s in project.selected(profiles=[SMOKE]).items() if SMOKE in s.profiles}
        if not jobs:
            raise ConfigError(f"{project.file}: no service has the profile `{SMOKE}`")
        with self._required():
            pass
        ready = {status.name: status for status in self.now().statuses}
        for job in jobs.values():
            needed = [ready[d.service] for d in job.depends_on if d.service in ready]
            if missing := [status for status in needed if not status.is_ready]:
                raise NotHealthy(missing)
            words = ("run", "--rm", "--no-TTY", "--no-deps", "--quiet-pull", job.name)
            done = process.run(self.project.words(*words, profiles=[SMOKE]), echo=False)
            if not done:
                raise SmokeFailed(f"{job.name} failed with exit code {done.code}")

    def execute(self, service: str, command: Sequence[str]) -> NoReturn:
        with self._required() as (_, containers):
            if service not in containers or containers[service].status != "running":
                raise NotRunning(service)
        terminal = [] if sys.stdin.isatty() else ["--no-TTY"]
        environment = _credentials(self.stack.project.services.get(service))
        given = [f"--env={name}={value}" for name, value in environment.items()]
        words = self.project.words("exec", *terminal, *given, service, *command, profiles=["*"])
        try:
            os.execvp(words[0], words)  # noqa: S606 - as asked
        except FileNotFoundError:
            raise process.ProgramMissing(words[0]) from None

    def _created(
        self, client: docker.DockerClient, services: dict[str, Service]
    ) -> dict[str, Container]:
        """The containers of these services, new where the file or the image has changed."""
        bases.refresh(client, self.stack.place.root)
        move.write(self.project.ports, services, self.project.containers(client))
        images.provide(client, self.stack.place.root, self.stack.project, services.values())
        profiles = {profile for service in services.values() for profile in service.profiles}
        self.project.call(
            "cannot create the containers", "create", "--no-build", *services, profiles=profiles
        )
        return self.project.containers(client)

    @contextmanager
    def _known(
        self, *, timeout: float = PATIENCE
    ) -> Iterator[tuple[docker.DockerClient, dict[str, Container]]]:
        with _asked(timeout=timeout) as client:
            yield client, self.project.containers(client)

    @contextmanager
    def _required(
        self, *, timeout: float = PATIENCE
    ) -> Iterator[tuple[docker.DockerClient, dict[str, Container]]]:
        with self._known(timeout=timeout) as (client, containers):
            if not containers:
                raise NotRunning
            yield client, containers


@contextmanager
def _asked(*, timeout: float = PATIENCE) -> Iterator[docker.DockerClient]:
    """A client, as `connect` gives it; what its engine refuses for a good reason is `Refused`."""
    with connect(timeout=timeout) as client:
        try:
            yield client
        except APIError as error:
            if error.is_client_error() and error.status_code not in (404, 409):
                raise  # what was asked is wrong, and that is a bug
            raise Refused(error) from error


def _alone(service: Service, chosen: Mapping[str, Service]) -> Service:
    return replace(service, depends_on=tuple(d for d in service.depends_on if d.service in chosen))


def _moved(services: Mapping[str, Service], statuses: Sequence[Status]) -> Iterator[str]:
    for status in statuses:
        usual = next((p.published for p in services[status.name].ports if p.published), None)
        if status.port and usual and usual != status.port:
            yield moved(status.name, usual, status.port)


def _credentials(service: Service | None) -> dict[str, str]:
    """What lets PostgreSQL's own programs in, over the socket, as the superuser."""
    environment = service.environment if service else {}
    if "POSTGRES_USER" not in environment:
        return {}
    user = environment["POSTGRES_USER"]
    return {"PGUSER": user, "PGDATABASE": environment.get("POSTGRES_DB", user)}
