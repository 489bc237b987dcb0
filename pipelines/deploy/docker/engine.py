"""Releases as Compose projects of one machine, led to by an edge that no deploy touches."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import docker
from docker.errors import APIError
from docker.models.containers import Container

from pipelines.compose.model import Service
from pipelines.containers import connect
from pipelines.containers.client import PATIENCE, endpoint, is_here
from pipelines.deploy import database, source as sources
from pipelines.deploy.database import Account
from pipelines.deploy.docker import haproxy, images, running, secrets
from pipelines.deploy.docker.deployment import Deployment
from pipelines.deploy.docker.edge import Lead
from pipelines.deploy.docker.project import PART, SLOT, Rendered
from pipelines.deploy.docker.render import DOORS, STATEFUL
from pipelines.deploy.docker.running import EDGE, SERVING
from pipelines.deploy.engine import Part, Say, Traffic
from pipelines.deploy.site import Site
from pipelines.errors import ConfigError, MachineError, SummitError, Where
from pipelines.release import Release
from pipelines.release.release import SHORT
from pipelines.stack import report
from pipelines.stack.docker import logs
from pipelines.stack.docker.engine import EngineElsewhere, Refused
from pipelines.stack.docker.project import SERVICE
from pipelines.stack.docker.start import Start
from pipelines.stack.health import NotHealthy, SmokeFailed
from pipelines.stack.place import LEAST_SPACE
from pipelines.stack.ports import HOST
from pipelines.stack.status import Status

_JOBS = 600.0  # seconds for all jobs, and for all smoke jobs
_DRAIN = 30.0  # seconds for a release that nothing leads to any more to answer what it was asked
_ANY = "0.0.0.0"  # noqa: S104 - every address of this machine, where the Compose file says so


@dataclass(frozen=True)
class DockerEngine:
    """One environment of containers."""

    site: Site
    name: str = "docker"

    @property
    def unproven(self) -> tuple[str, ...]:
        found = ["the loss of a machine: all of it runs on one"]
        with suppress(SummitError), connect() as client:
            if stand_ins := ", ".join(sorted(images.standing_in(client))):
                found.append(f"the official images of {stand_ins}: local bases stand in for them")
        return (*found, *secrets.unproven())

    def preflight(self, release: Release) -> None:
        environment, folder = self.site.environment, self.site.source(release.id)
        if environment.host:
            raise ConfigError(
                f"the docker engine deploys to this machine, not to {environment.host}",
                where=Where(environment.file),
                hint="run it there, or choose `engine: swarm`",
            )
        is_new = not folder.exists()
        try:
            with _asked() as client:
                _require_space(client)
                sources.lay_out(self.site.root, release, folder)
                self._require(client, release)
        except SummitError:
            if is_new:
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def fetch(self, release: Release) -> None:
        sources.lay_out(self.site.root, release, self.site.source(release.id))
        with _asked() as client:
            wanted = self._deployment.references(client, release, self._deployment.cut(release))
            images.fetch(client, wanted.values())

    def provide(self, release: Release) -> None:
        deployment, patience = self._deployment, self.site.environment.ready
        with _asked(timeout=patience + PATIENCE) as client:
            containers = deployment.create_base(client, release)
            containers[EDGE].start()
            stateful = deployment.cut(release).stateful.services
            project = deployment.base(release)
            if stateful:
                Start(client, stateful, containers).run(
                    project.name, timeout=patience, on_change=_unheard
                )
            deployment.edge.wait()
            deployment.edge.settle()

    def migrate(self, release: Release) -> None:
        self._run(release, self._deployment.cut(release).jobs.services, SummitError)

    def start(self, release: Release) -> None:
        deployment = self._deployment
        with _asked() as client:
            containers = deployment.create(client, release)
            for name, service in deployment.cut(release).serving.services.items():
                if not service.depends_on:  # the others when what they need is healthy
                    containers[name].start()

    def ready(self, release: Release, *, timeout: float, say: Say) -> None:
        deployment = self._deployment
        project = deployment.project(release)
        with _asked(timeout=timeout + PATIENCE) as client:
            serving = deployment.cut(release).serving.services
            Start(client, serving, project.containers(client)).run(
                project.name, timeout=timeout, on_change=lambda status: say(report.change(status))
            )

    def smoke(self, release: Release) -> None:
        self._run(release, self._deployment.cut(release).smoke.services, SmokeFailed)

    def serving(self) -> str:
        with _asked() as client:
            return self._deployment.lead(self._deployment.containers(client)).release

    def switch(self, release: Release) -> None:
        with _asked() as client:
            slot = self._found(client, release)
            self._deployment.edge.lead(Lead(slot, release.id))

    def close(self) -> None:
        with _asked() as client:
            if running.edge(self._deployment.containers(client)):
                self._deployment.edge.lead(Lead())

    def doors(self) -> Mapping[str, str]:
        with _asked() as client:
            edge = running.edge(self._deployment.containers(client))
        found = json.loads(edge.labels[DOORS]) if edge else {}
        return {
            name: f"http://{HOST if host == _ANY else host}:{port}"
            for name, (host, port) in found.items()
        }

    def traffic(self, release: str) -> Traffic:
        return self._deployment.edge.traffic(release)

    def ailing(self, release: str) -> str:
        with _asked() as client:
            found = running.by_release(self._deployment.containers(client)).get(release, ())
        if not running.is_up(found):
            return "none of its services runs"
        said = {
            str(it.labels[SERVICE]): running.trouble(it)
            for it in found
            if it.labels[PART] == SERVING
        }
        return ", ".join(f"{name}: {trouble}" for name, trouble in said.items() if trouble)

    def running(self) -> Mapping[str, tuple[Part, ...]]:
        with _asked() as client:
            found = running.by_release(self._deployment.containers(client))
            return {
                release: running.parts(client, containers)
                for release, containers in found.items()
                if running.is_up(containers)
            }

    def renew(self, release: Release, service: str) -> None:
        deployment, patience = self._deployment, self.site.environment.ready
        alone = replace(deployment.cut(release).serving.services[service], depends_on=())
        with _asked(timeout=patience + PATIENCE) as client:
            container = deployment.create(client, release)[service]
            container.restart()
            Start(client, {service: alone}, {service: container}).run(
                deployment.project(release).name, timeout=patience, on_change=_unheard
            )
            self._found(client, release)  # it may have another address

    def admits(self, account: Account, password: bytes) -> bool | None:
        with _asked() as client:
            for it in self._deployment.containers(client):
                if it.labels.get(PART) == STATEFUL and it.labels[SERVICE] == account.service:
                    words = ("docker", "exec", "--interactive", str(it.id))
                    return database.admits_inside(words, account, password)
        return None

    def stop(self, release: str) -> None:
        deployment = self._deployment
        with _asked() as client:
            containers = deployment.containers(client)
            if deployment.lead(containers).release == release:
                raise SummitError(f"release {release[:SHORT]} serves, so it is not stopped")
            edge, slot = running.edge(containers), running.slots(containers).get(release)
            if edge and edge.status == "running":
                deployment.edge.settle()
                if slot:
                    deployment.edge.drain(slot, _DRAIN)
            deployment.remove(client, release)

    def down(self, *, volumes: bool = False) -> None:
        words = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
        with _asked() as client:
            deployment = self._deployment
            for release in running.by_release(deployment.containers(client)):
                deployment.remove(client, release)
            for name in {running.project(it) for it in deployment.containers(client)}:
                base = Rendered(name, deployment.folder, self.site.root)
                base.call("cannot stop the environment", *words, has_file=False)
        shutil.rmtree(deployment.folder, ignore_errors=True)

    def _found(self, client: docker.DockerClient, release: Release) -> str:
        """The slot of the release, once the edge knows where all of it is."""
        deployment = self._deployment
        found = running.by_release(deployment.containers(client)).get(release.id, ())
        if not running.is_up(found):
            raise SummitError(f"release {release.short} does not run: nothing can lead to it")
        slot = str(found[0].labels[SLOT])
        doors = [it.service for it in deployment.doors(deployment.cut(release))]
        deployment.edge.find(_addresses(found, doors, slot))
        return slot

    @property
    def _deployment(self) -> Deployment:
        return Deployment(self.site)

    def _require(self, client: docker.DockerClient, release: Release) -> None:
        """Every image by a digest, and every door free or ours."""
        deployment = self._deployment
        cut = deployment.cut(release)
        deployment.references(client, release, cut)
        doors = deployment.doors(cut)
        if running.edge(deployment.containers(client)) is None:
            deployment.require_free(doors)

    def _run(
        self,
        release: Release,
        jobs: Mapping[str, Service],
        failed: Callable[[str], SummitError],
    ) -> None:
        """Run jobs of a release, each once those are done that it needs. Raises a `failed`."""
        if not jobs:
            return
        project = self._deployment.project(release)
        with _asked(timeout=_JOBS + PATIENCE) as client:
            containers = self._deployment.create(client, release)
            try:
                Start(client, jobs, containers).run(project.name, timeout=_JOBS, on_change=_unheard)
            except NotHealthy as error:
                raise failed(_why(error, containers)) from error


@contextmanager
def _asked(*, timeout: float = PATIENCE) -> Iterator[docker.DockerClient]:
    """A client of this machine's engine. Raises `EngineElsewhere`, `Refused`, as `connect` does."""
    address = str(endpoint()["base_url"])
    if not is_here(address):
        raise EngineElsewhere(address)
    with connect(timeout=timeout) as client:
        try:
            yield client
        except APIError as error:
            raise Refused(error) from error


def _require_space(client: docker.DockerClient) -> None:
    folder = client.info()["DockerRootDir"]
    try:
        free = shutil.disk_usage(folder).free // 2**20
    except OSError:  # not to be seen from here, as in Docker Desktop's virtual machine
        return
    if free < LEAST_SPACE:
        raise MachineError(
            f"no space: {free} MB are free in {folder}, {LEAST_SPACE} MB are needed",
            hint="`docker system prune` makes room",
        )


def _addresses(
    containers: Sequence[Container], doors: Sequence[str], slot: str
) -> dict[str, list[str]]:
    """The address of each door's service on the network that it shares with the edge."""
    found = {}
    for container in containers:
        alias = haproxy.alias(str(container.labels[SERVICE]), slot)
        for network in container.attrs["NetworkSettings"]["Networks"].values():
            if alias in (network["Aliases"] or ()):
                found[alias] = str(network["IPAddress"])
    return {alias: [found.get(alias, "")] for alias in (haproxy.alias(it, slot) for it in doors)}


def _why(error: NotHealthy, containers: Mapping[str, Container]) -> str:
    """Which job failed, how, and its last words."""
    lost = error.causes[0]
    lines = [line.strip() for line in logs.tail(containers[lost.name], 5) if line.strip()]
    said = f": {lines[-1]}" if lines else ""
    return f"{lost.name} {lost.message or 'is not done in time'}{said}"


def _unheard(status: Status) -> None:
    """Of what stands behind the services a person hears when it fails."""
