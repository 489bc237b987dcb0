"""By which digest a release has the image of a service."""

from __future__ import annotations

from pipelines.compose.model import Project, Service
from pipelines.errors import ConfigError
from pipelines.release import Release


def image(project: Project, service: Service, release: Release) -> str:
    """`REPOSITORY[:TAG]@sha256:...`: what was released, else what the Compose file itself pins.

    Raises `ConfigError` for an image that neither pins.
    """
    name = project.image(service)
    found = release.images.get(name, name)
    if "@sha256:" not in found:
        raise ConfigError(
            f"release {release.short} has no digest of the image {name}",
            where=service.where,
            hint="`inv build`, then `inv release`, puts built images into a release",
        )
    return found
