"""Releases as local processes, each in a folder of its sources, led to by the edge."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.compose.model import Project, Service
from pipelines.deploy import database, source as sources
from pipelines.deploy.database import Account
from pipelines.deploy.engine import Part, Say, Traffic
from pipelines.deploy.process import interpreter
from pipelines.deploy.process.edge import Edge
from pipelines.deploy.site import Parts, Site, parts
from pipelines.errors import ConfigError, MachineError, Where
from pipelines.files import write_atomically
from pipelines.release import Release, release as releases
from pipelines.stack import report
from pipelines.stack.place import Place, require_space
from pipelines.stack.ports import HOST
from pipelines.stack.process import foreground, verbs
from pipelines.stack.stack import Stack
from pipelines.stack.status import State, Status

_BASE_WAIT = 60.0  # seconds for stateful services, and for all jobs
_ANY = "0.0.0.0"  # noqa: S104 - every address of this machine, where somebody wants it
_NOTE = "release.json"  # beside the sources: which release they are


@dataclass(frozen=True)
class ProcessEngine:
    """One environment of local processes."""

    site: Site
    name: str = "process"

    @property
    def unproven(self) -> tuple[str, ...]:
        return ("isolation: local processes share one user, one disk and one network",)

    def preflight(self, release: Release) -> None:
        environment = self.site.environment
        if environment.host:
            raise ConfigError(
                f"the process engine deploys to this machine, not to {environment.host}",
                where=Where(environment.file),
                hint="take `host` out, or choose `engine: swarm`",
            )
        state = self.site.state
        require_space(next(it for it in (state, *state.parents) if it.exists()))

    def fetch(self, release: Release) -> None:
        folder = self.site.source(release.id)
        sources.lay_out(self.site.root, release, folder)
        note = folder / ".summit" / _NOTE
        note.parent.mkdir(exist_ok=True)
        write_atomically(note, release.document.decode())
        interpreter.provide(self.site.root, release, folder)

    def provide(self, release: Release) -> None:
        stateful = self._parts(release).stateful
        interpreter.hold(self.site.python.parent.parent, Path(sys.prefix))
        if stateful.services:
            stack = Stack(self._base, stateful, keeps_ports=False)
            verbs.up(stack, only=(), timeout=_BASE_WAIT, on_change=_unheard)
        edge = self._edge(release)
        edge.check()
        edge.start()

    def migrate(self, release: Release) -> None:
        jobs = self._parts(release).jobs
        if jobs.services:
            verbs.up(self._stack(release, jobs), only=(), timeout=_BASE_WAIT, on_change=_unheard)

    def start(self, release: Release) -> None:
        serving = self._parts(release).serving
        stack = self._stack(release, serving)
        verbs.start(stack, serving.services)
        running = verbs.now(stack.place)
        self._edge(release).describe(
            release.id,
            {name: f"{HOST}:{running.launch(name).port}" for name in self._doors(serving)},
        )

    def ready(self, release: Release, *, timeout: float, say: Say) -> None:
        place = self._place(release.id)
        shown: dict[str, State] = {}

        def tell(status: Status) -> None:
            if shown.get(status.name, State.WAITING) is not status.state:
                shown[status.name] = status.state
                say(report.change(status))

        names = set(self._parts(release).serving.services)
        deadline = time.monotonic() + timeout
        verbs.wait_until_ready(place, names, deadline, tell, timeout=timeout)

    def smoke(self, release: Release) -> None:
        smoke = self._parts(release).smoke
        if smoke.services:
            foreground.smoke(self._stack(release, smoke))

    def serving(self) -> str:
        return Edge(self.site, {}).serving()

    def switch(self, release: Release) -> None:
        self._edge(release).switch(release.id)

    def close(self) -> None:
        Edge(self.site, {}).close()

    def doors(self) -> Mapping[str, str]:
        serving = self.serving()
        if not serving:
            return {}
        serving_parts = self._parts(self._known(serving)).serving
        address = self.site.environment.address
        host = HOST if address in ("", _ANY) else address
        return {name: f"http://{host}:{at}" for name, at in self._doors(serving_parts).items()}

    def traffic(self, release: str) -> Traffic:
        require_space(self.site.state, 1)  # else the edge counts nothing, and nobody knows why
        return Edge(self.site, {}).traffic(release)

    def ailing(self, release: str) -> str:
        running = verbs.now(self._place(release))
        if not running.supervised:
            return "none of its services runs"
        said = {it.name: _trouble(it) for it in running.statuses}
        return ", ".join(f"{name}: {trouble}" for name, trouble in said.items() if trouble)

    def running(self) -> Mapping[str, tuple[Part, ...]]:
        found = {}
        for note in sorted(self.site.state.glob(f"releases/*/.summit/{_NOTE}")):
            release = releases.read(note.read_bytes())
            running = verbs.now(self._place(release.id))
            if running.supervised:
                digest = f"gitTree:{sources.tree_of(self.site.root, release, note.parents[1])}"
                found[release.id] = tuple(
                    Part(it.name, digest, _trouble(it))
                    for it in running.statuses
                    if not running.launch(it.name).is_job
                )
        return found

    def stop(self, release: str) -> None:
        verbs.down(self._place(release))
        Edge(self.site, {}).forget(release)
        folder = self.site.source(release)
        if folder.exists():
            shutil.rmtree(folder)

    def down(self, *, volumes: bool = False) -> None:
        for release in self._laid_out():
            verbs.down(self._place(release))
        Edge(self.site, {}).stop()
        verbs.down(self._base)
        if volumes:
            shutil.rmtree(self._base.root, ignore_errors=True)

    def renew(self, release: Release, service: str) -> None:
        """Start the service anew, and return once it is healthy. Raises `NotHealthy`."""
        stack = self._stack(release, self._parts(release).serving)
        timeout = self.site.environment.ready
        verbs.restart(stack, [service], timeout=timeout, on_change=_unheard)
        running = verbs.now(stack.place)
        doors = self._doors(stack.project)
        addresses = {name: f"{HOST}:{running.launch(name).port}" for name in doors}
        self._edge(release).describe(release.id, addresses)

    def admits(self, account: Account, password: bytes) -> bool:
        """Whether the database of the environment lets the role in with this password."""
        for launch in verbs.now(self._base).launches.values():
            if launch.cluster:
                return database.admits(
                    launch.cluster.programs / "psql",
                    account,
                    password,
                    host=HOST,
                    port=launch.port,
                    environment=launch.environment,
                )
        raise MachineError(f"{self.site.environment.name} has no database to try {account.role} at")

    @property
    def _base(self) -> Place:
        return Place(self.site.state / "base")

    def _place(self, release: str) -> Place:
        return Place(self.site.source(release))

    def _laid_out(self) -> list[str]:
        return [folder.name for folder in self.site.state.glob("releases/*") if folder.is_dir()]

    def _known(self, release: str) -> Release:
        return releases.read((self.site.source(release) / ".summit" / _NOTE).read_bytes())

    def _parts(self, release: Release) -> Parts:
        return parts(self.site.project(release), self.site.environment.profiles)

    def _edge(self, release: Release) -> Edge:
        return Edge(self.site, self._doors(self._parts(release).serving))

    def _doors(self, serving: Project) -> dict[str, int]:
        """The ports of this machine at which services with published ports are reached."""
        chosen = self.site.environment.doors
        published = {name: _published(it) for name, it in serving.services.items() if it.ports}
        return {name: chosen.get(name, port) for name, port in published.items()}

    def _stack(self, release: Release, project: Project) -> Stack:
        beside = {it.name: it.port for it in verbs.now(self._base).statuses if it.port}
        python = str(self.site.python_of(release))
        return Stack(
            self._place(release.id), project, beside=beside, keeps_ports=False, python=python
        )


def _published(service: Service) -> int:
    port = service.ports[0]
    return port.published or port.target


def _trouble(status: Status) -> str:
    if status.is_ready:
        return ""
    return status.message or status.answer or status.state.value


def _unheard(status: Status) -> None:
    """Of what stands behind the services a person hears when it fails."""
