"""What a release asks of an engine of containers: its parts, their images, the public doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import docker

from pipelines.compose.model import Service
from pipelines.deploy.docker import images
from pipelines.deploy.docker.haproxy import Door
from pipelines.deploy.docker.running import EDGE
from pipelines.deploy.site import Parts, Site, parts
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, Where
from pipelines.images import official
from pipelines.release import Release
from pipelines.stack import ports


@dataclass(frozen=True)
class Wanted:
    """The environment of a site, as its releases describe it."""

    site: Site

    def cut(self, release: Release) -> Parts:
        return parts(self.site.project(release), self.site.environment.profiles)

    def references(
        self, client: docker.DockerClient, release: Release, cut: Parts
    ) -> dict[str, str]:
        """The image of each service, and that of the edge, by digest. Raises `ConfigError`."""
        project = cut.serving.name.removesuffix(f"-{self.site.environment.name}")
        stand_ins = images.standing_in(client)
        return {
            **images.references(project, services(cut), release, stand_ins),
            EDGE: stand_ins.get("haproxy", images.pinned(official.HAPROXY)),
        }

    def doors(self, cut: Parts) -> list[Door]:
        """The public addresses: the environment's, else as published in the Compose file.

        Raises `ConfigError` for one that leads to nothing.
        """
        environment = self.site.environment
        published = {name: it.ports[0] for name, it in cut.serving.services.items() if it.ports}
        for name in environment.doors:
            if name not in published:
                raise ConfigError(
                    f"there is no door to {name!r}, which publishes no port",
                    where=Where(environment.file),
                    hint=nearest(name, published) if published else "",
                )
        return [
            Door(
                name,
                environment.address or port.host_ip or "0.0.0.0",  # noqa: S104 - as Compose has it
                environment.doors.get(name, port.published or port.target),
                port.target,
            )
            for name, port in published.items()
        ]

    def require_free(self, doors: Sequence[Door]) -> None:
        """Raise `ConfigError` for a door that something else on this machine has."""
        for door in doors:
            if not ports.is_free(door.port):
                raise ConfigError(
                    f"port {door.port}, the door of {door.service}, is taken",
                    where=Where(self.site.environment.file),
                    hint="stop what listens there, or give `doors` another port",
                )

    def require_reachable(self, doors: Sequence[Door]) -> None:
        """Raise `ConfigError` for a door on another machine's loopback: nobody could come in."""
        for door in doors:
            if ip_address(door.host).is_loopback:
                raise ConfigError(
                    f"the door of {door.service} is on another machine's loopback, {door.host}",
                    where=Where(self.site.environment.file),
                    hint="say at which `address` of it the doors are",
                )


def services(cut: Parts) -> dict[str, Service]:
    """All of them, whatever their part."""
    every = (cut.stateful, cut.jobs, cut.serving, cut.smoke)
    return {name: it for part in every for name, it in part.services.items()}
