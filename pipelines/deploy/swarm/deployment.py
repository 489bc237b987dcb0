"""What an environment is made of in a swarm: its stacks, what they refer to, its edge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError

from pipelines.containers import connect
from pipelines.containers.client import PATIENCE
from pipelines.deploy.docker import haproxy, images
from pipelines.deploy.docker.project import PART, RELEASE, SITE, SLOT, Document, described
from pipelines.deploy.docker.render import FRONT, OUTSIDE
from pipelines.deploy.docker.running import EDGE, JOB, SERVING, SMOKE, free
from pipelines.deploy.docker.wanted import Wanted, services as services_of
from pipelines.deploy.site import Site
from pipelines.deploy.swarm import edge, grants, objects, services
from pipelines.deploy.swarm.edge import EdgeThere
from pipelines.deploy.swarm.render import Rendering, networks_of, require, shared
from pipelines.deploy.swarm.services import Seen, Task
from pipelines.deploy.swarm.stack import Levels, Stack, levels, remove
from pipelines.errors import MachineError
from pipelines.release import Release
from pipelines.stack.docker.engine import Refused

ROOT = "summit.repository"  # a label: whose environment it is
STATEFUL = "stateful"
BASE = "base"


class NoSwarm(MachineError):
    """The engine is not one that a swarm is told things by."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the container engine {name} manages no swarm",
            hint="`docker swarm init` there, or name a manager as `host`",
        )


@dataclass(frozen=True)
class Deployment(Wanted):
    """One environment in a swarm, asked by its manager."""

    client: docker.DockerClient

    @property
    def folder(self) -> Path:
        return self.site.state / "swarm"

    @property
    def labels(self) -> dict[str, str]:
        """Those of everything that belongs to the environment."""
        return {SITE: self.site.environment.name, ROOT: str(self.site.root)}

    @property
    def edge(self) -> EdgeThere | None:
        found = edge.find(self.client, self.labels)
        return EdgeThere(found) if found else None

    def services(self, release: str = "") -> list[Seen]:
        """All services, or those of a release."""
        more = {RELEASE: release} if release else {}
        return services.labelled(self.client, {**self.labels, **more})

    def container(self, service: str) -> str:
        """The id of what runs a service that keeps data, where that is the manager; else empty."""
        stateful = {**self.labels, PART: STATEFUL}
        for it in services.labelled(self.client, stateful):
            if it.name == service:
                return next((on for task in it.running if (on := self._here(task))), "")
        return ""

    def slot(self, release: str) -> str:
        """The slot of a release; empty when it has none."""
        return next((it.labels[SLOT] for it in self.services(release)), "")

    def stack(self, release: Release, part: str) -> Stack:
        name = f"{self._name(release)}-{release.short}"
        return self._stack(name if part == SERVING else f"{name}-{part}")

    def base(self, release: Release) -> Stack:
        return self._stack(f"{self._name(release)}-{BASE}")

    def require(self, release: Release) -> None:
        """Raise `ConfigError`, `NoSwarm` for what is known beforehand to fail."""
        cut = self.cut(release)
        require(self._document(release), services_of(cut), self.site.source(release.id))
        self.references(self.client, release, cut)
        swarm = self.client.info()["Swarm"]
        if not swarm.get("ControlAvailable"):
            raise NoSwarm(str(self.client.info()["Name"]))

    def provide(self, release: Release) -> Document:
        """Have the networks and the edge of what outlives releases; its stack is returned."""
        cut, rendering = self.cut(release), self.rendering(release, "")
        document = rendering.stateful(cut.stateful.services, STATEFUL, self._node)
        for network, more in rendering.outliving().items():
            objects.network(self.client, network, self.labels, **more)
        base = rendering.base
        fronts = [shared(base, FRONT, slot) for slot in haproxy.SLOTS]
        for network in fronts:
            objects.network(self.client, network, self.labels, attachable=True, internal=True)
        outside = f"{base}_{OUTSIDE}"
        objects.network(self.client, outside, self.labels, driver="bridge")
        image = self.references(self.client, release, cut)[EDGE]
        edge.provide(
            self.client, f"{base}-{EDGE}", image, self.doors(cut), [outside, *fronts], self.labels
        )
        objects.make(self.client, rendering.grants, self.labels)
        return document

    def rendered(self, release: Release, part: str) -> Document:
        """The stack of a part of a release; what it refers to is there when this returns."""
        cut = self.cut(release)
        slot = self.slot(release.id) or free(
            it.labels[SLOT] for it in self.services() if SLOT in it.labels
        )
        rendering = self.rendering(release, slot)
        if part == SERVING:
            document = rendering.serving(cut.serving.services, part)
        else:
            jobs = cut.jobs if part == JOB else cut.smoke
            document = rendering.jobs(jobs.services, part)
        for network, more in rendering.alone().items():
            objects.network(self.client, network, {**self.labels, RELEASE: release.id}, **more)
        objects.make(self.client, rendering.grants, self.labels)
        return document

    def remove(self, release: str) -> None:
        """Remove what is a release's alone in the swarm."""
        remove(self.client, *self._stacks(release))
        objects.remove_networks(self.client, {**self.labels, RELEASE: release})
        self.remove_unused()

    def remove_unused(self) -> None:
        """Remove secrets and files that no service reads any more."""
        objects.remove_unused(self.client, self.labels)

    def down(self, *, volumes: bool) -> None:
        """Remove everything that belongs to the environment."""
        remove(self.client, *self._stacks())
        edge.remove(self.client, self.labels)
        objects.remove_networks(self.client, self.labels)
        self.remove_unused()
        if volumes:
            objects.remove_volumes(self.client, self.labels)
        shutil.rmtree(self.folder, ignore_errors=True)

    def levels(self, release: Release, part: str) -> Levels:
        """The services of a part in the order of what they depend on."""
        cut = self.cut(release)
        chosen = {JOB: cut.jobs, SERVING: cut.serving, SMOKE: cut.smoke, STATEFUL: cut.stateful}
        return levels(
            {
                name: [it.service for it in service.depends_on]
                for name, service in chosen[part].services.items()
            }
        )

    def rendering(self, release: Release, slot: str) -> Rendering:
        cut, document = self.cut(release), self._document(release)
        references = self.references(self.client, release, cut)
        base = f"{self._name(release)}-{BASE}"
        return Rendering(
            document=document,
            base=base,
            stack=f"{self._name(release)}-{release.short}",
            slot=slot,
            sources=self.site.source(release.id),
            images=references,
            users={
                name: images.user(self.client, references[name], str(written.get("user", "")))
                for name, written in document["services"].items()
                if name in services_of(cut)
            },
            shared=frozenset(
                network for name in cut.stateful.services for network in networks_of(document, name)
            ),
            doors=frozenset(door.service for door in self.doors(cut)),
            labels=self.labels | ({RELEASE: release.id, SLOT: slot} if slot else {}),
            grants=grants.Grants(base, self.site.secrets, grants.key(self.folder)),
        )

    def _here(self, task: Task) -> str:
        """The container of a task of this node."""
        if task["NodeID"] != self._node:
            return ""
        return str(task["Status"]["ContainerStatus"]["ContainerID"])

    def _stacks(self, release: str = "") -> list[Stack]:
        return [self._stack(name) for name in sorted({it.stack for it in self.services(release)})]

    def _document(self, release: Release) -> Document:
        return described(self.site, release, self.folder / release.short)

    def _name(self, release: Release) -> str:
        return self.site.project(release).name

    def _stack(self, name: str) -> Stack:
        return Stack(name, self.folder / f"{name}.json", self.site.environment.host)

    @property
    def address(self) -> str:
        """Where the manager is, as the other machines know it."""
        return str(self.client.info()["Swarm"]["NodeAddr"])

    @property
    def _node(self) -> str:
        return str(self.client.info()["Swarm"]["NodeID"])


@contextmanager
def asked(site: Site, *, timeout: float = PATIENCE) -> Iterator[Deployment]:
    """The environment, with a client of its manager. Raises as `connect` does, and `Refused`."""
    with connect(timeout=timeout, host=site.environment.host) as client:
        try:
            yield Deployment(site, client)
        except APIError as error:
            raise Refused(error) from error
