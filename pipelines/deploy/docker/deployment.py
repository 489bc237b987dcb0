"""What an environment is made of in a container engine: its projects, their files, its edge."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import docker
from docker.models.containers import Container

from pipelines import console
from pipelines.deploy.docker import haproxy, images, running, secrets
from pipelines.deploy.docker.edge import EdgeHere, Lead
from pipelines.deploy.docker.project import SITE, Rendered, described, labelled
from pipelines.deploy.docker.render import EDGE_USER, Rendering
from pipelines.deploy.docker.running import EDGE, JOB, SERVING, SMOKE
from pipelines.deploy.docker.wanted import Wanted, services
from pipelines.deploy.site import Parts
from pipelines.release import Release
from pipelines.release.release import SHORT

BASE = "base"


@dataclass(frozen=True)
class Deployment(Wanted):
    """One environment of containers; `site` says where it is kept."""

    @property
    def folder(self) -> Path:
        return self.site.state / "docker"

    @property
    def edge(self) -> EdgeHere:
        return EdgeHere(self.folder / EDGE)

    def containers(self, client: docker.DockerClient) -> Sequence[Container]:
        """All of them, whatever their project, as the engine knows them."""
        return labelled(client, {SITE: self.site.environment.name}, root=self.site.root)

    def lead(self, containers: Sequence[Container]) -> Lead:
        """Where the edge leads, by its own word while it runs. Raises `EdgeDown`."""
        found = running.edge(containers)
        if found is None:
            return Lead()
        if found.status != "running":
            return self.edge.will_lead_to()
        self.edge.wait()  # it may have been started anew just now
        return self.edge.leads_to()

    def project(self, release: Release) -> Rendered:
        name = f"{self._name(release)}-{release.short}"
        return Rendered(name, self.folder / release.short / "compose.json", self.site.root)

    def base(self, release: Release) -> Rendered:
        name = f"{self._name(release)}-{BASE}"
        return Rendered(name, self.folder / "base.json", self.site.root)

    def files(self, release: str) -> Path:
        """The folder of what is rendered for a release alone."""
        return self.folder / release[:SHORT]

    def create(self, client: docker.DockerClient, release: Release) -> dict[str, Container]:
        """The containers of a release, none of them started by this; those there stay as they are.

        What one of them is started with from now on are the secrets of now. Raises `MachineError`
        when no slot is free.
        """
        cut = self.cut(release)
        project = self.project(release)
        there = project.containers(client)
        rendering = self._rendering(client, release, cut)
        own = services(cut).keys() - cut.stateful.services.keys()
        if there.keys() >= own:
            rendering.deliver_anew(own)
            return there
        slot = self._slot(client, release)
        names = {JOB: cut.jobs, SERVING: cut.serving, SMOKE: cut.smoke}
        document = rendering.release(
            release.id, slot, {part: it.services for part, it in names.items()}, self.doors(cut)
        )
        project.write(document)
        words = ("create", "--no-build", "--no-recreate")
        project.call(f"cannot create the containers of release {release.short}", *words)
        return project.containers(client)

    def create_base(self, client: docker.DockerClient, release: Release) -> dict[str, Container]:
        """What outlives releases; it is made anew only when the release says it differently."""
        cut = self.cut(release)
        base, doors = self.base(release), self.doors(cut)
        before = base.containers(client)
        rendering = self._rendering(client, release, cut)
        image = self.references(client, release, cut)[EDGE]
        owner = EDGE_USER if os.geteuid() == 0 else None
        self.edge.describe(haproxy.configuration(doors), owner)
        document = rendering.outliving(image, self.edge.folder, doors, self.folder / "files")
        if before and base.holds(document):
            return before
        base.write(document)
        base.call("cannot create what outlives releases", "create", "--no-build")
        after = base.containers(client)
        for name in sorted(before.keys() & after.keys()):
            if before[name].id != after[name].id:
                console.progress(f"{name} was made anew, as the release says it differently")
        return after

    def remove(self, client: docker.DockerClient, release: str) -> None:
        """Remove what is a release's alone, its sources too."""
        found = running.by_release(self.containers(client)).get(release, ())
        for name in {running.project(it) for it in found}:
            project = Rendered(name, self.files(release) / "compose.json", self.site.root)
            words = ("down", "--remove-orphans", "--volumes")
            project.call(f"cannot stop release {release[:SHORT]}", *words, has_file=False)
        for folder in (self.files(release), self.site.source(release)):
            if folder.exists():
                shutil.rmtree(folder)

    def _name(self, release: Release) -> str:
        return self.site.project(release).name

    def _slot(self, client: docker.DockerClient, release: Release) -> str:
        """The slot of the release, else a free one, else that of a release that was left behind."""
        containers = self.containers(client)
        taken = running.slots(containers)
        if release.id in taken:
            return taken[release.id]
        for left, them in running.by_release(containers).items():
            if not running.is_up(them) and self.lead(containers).release != left:
                self.remove(client, left)
                del taken[left]
        return running.free(taken.values())

    def _rendering(self, client: docker.DockerClient, release: Release, cut: Parts) -> Rendering:
        document = described(self.site, release, self.files(release.id))
        references = self.references(client, release, cut)
        written = {name: str(it.get("user", "")) for name, it in document["services"].items()}
        return Rendering(
            site=self.site.environment.name,
            base=self.base(release).name,
            document=document,
            sources=self.site.source(release.id),
            images=references,
            users={
                name: images.user(client, references[name], written[name]) for name in services(cut)
            },
            stateful=frozenset(cut.stateful.services),
            deliver=partial(secrets.deliver, self.site.secrets),
        )
