"""By which digest a release has the image of a service."""

from __future__ import annotations

from pipelines.compose.model import Project, Service
from pipelines.errors import ConfigError
from pipelines.release import Release


def image(project: Project, service: Service, release: Release) -> str:
    """`REPOSITORY[:TAG]@sha256:...`: what was released, else what the Compose file itself pins.

    Raises `ConfigError` for an image that neither pins.
    """
    name = service.image or _unnamed(project, service)
    found = release.images.get(name, name)
    if "@sha256:" not in found:
        raise ConfigError(
            f"release {release.short} has no digest of the image {name}",
            where=service.where,
            hint="`inv build` and `inv release` with a registry make one that has",
        )
    return found


def _unnamed(project: Project, service: Service) -> str:
    """The name that Compose gives what is built without one."""
    return f"{project.name}-{service.name}"
