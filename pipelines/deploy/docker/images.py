"""The images of a release, each by a digest, and whether the engine has what that digest says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import docker
from docker.errors import APIError, ImageNotFound
from docker.utils import parse_repository_tag

from pipelines import console
from pipelines.compose.model import Service
from pipelines.errors import ConfigError, MachineError
from pipelines.images import bases
from pipelines.images.dockerfile import repository
from pipelines.release import Release

LOCAL = "sha256:"  # what a reference to an image of this engine alone begins with


class NotTheImage(MachineError):
    """What the registry gives is not what was asked for."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"the engine does not have {reference}, though it was pulled",
            hint="`inv release` pushes what was built; make a new release",
        )


def references(
    project: str, services: Mapping[str, Service], release: Release, stand_ins: Mapping[str, str]
) -> dict[str, str]:
    """The image of each service: by the release's digest, else as pinned in the Compose file.

    `stand_ins` are the local images, by digest, of official repositories. Raises `ConfigError` for
    an image that has no digest.
    """
    return {
        name: reference(_name(project, it), it, release, stand_ins) for name, it in services.items()
    }


def reference(image: str, service: Service, release: Release, stand_ins: Mapping[str, str]) -> str:
    """One image by digest. Raises `ConfigError`."""
    if image in release.images:
        return release.images[image]
    if service.build is None:
        if local := stand_ins.get(repository(image)):
            return local
        if "@sha256:" in image:
            return pinned(image)
    raise ConfigError(
        f"the image {image} of {service.name} has no digest",
        where=service.where,
        hint="`inv build`, then `inv release` with a registry pushes what is built here"
        if service.build is not None
        else "pin it as NAME@sha256:...",
    )


def pinned(image: str) -> str:
    """What is pinned as `NAME:TAG@DIGEST`, by its digest alone."""
    name, _, digest = image.partition("@")
    return f"{parse_repository_tag(name)[0]}@{digest}"


def standing_in(client: docker.DockerClient) -> dict[str, str]:
    """The local images, by digest, that stand in for official repositories here."""
    return {
        official: str(client.images.get(local).id)
        for official, local in bases.standing_in(client).items()
    }


def fetch(client: docker.DockerClient, wanted: Iterable[str]) -> None:
    """Have all of these in the engine. Raises `MachineError`, `NotTheImage`."""
    for reference in sorted(set(wanted)):
        if _has(client, reference):
            continue
        if reference.startswith(LOCAL):
            raise MachineError(f"the engine no longer has {reference}", hint="`inv images.bases`")
        console.progress(f"fetching {reference}")
        try:
            client.images.pull(reference)
        except APIError as error:
            raise MachineError(
                f"cannot pull {reference}: {error.explanation or error}",
                hint="is its registry there? `inv registry.start` starts the local one",
            ) from error
        if not _has(client, reference):
            raise NotTheImage(reference)


def digest_of(client: docker.DockerClient, image: str, reference: str) -> str:
    """The digest under which a running image was pulled; that of its configuration without one.

    `image` is the image that runs, by its own digest, `reference` what its container was made of.
    """
    try:
        known = client.images.get(image).attrs.get("RepoDigests") or []
    except ImageNotFound:  # removed under a running container
        return image
    repository = reference.rpartition("@")[0]
    return next((it.rpartition("@")[2] for it in known if it == reference), "") or next(
        (it.rpartition("@")[2] for it in known if it.startswith(f"{repository}@")), image
    )


def user(client: docker.DockerClient, reference: str, written: str) -> int | None:
    """The number of a container's user; None where only the image's own files know it."""
    name = written or client.images.get(reference).attrs["Config"].get("User") or "0"
    number = str(name).partition(":")[0]
    return int(number) if number.isdigit() else None


def _name(project: str, service: Service) -> str:
    return service.image or f"{project}-{service.name}"


def _has(client: docker.DockerClient, reference: str) -> bool:
    try:
        image = client.images.get(reference)
    except ImageNotFound:
        return False
    return reference == image.id or reference in (image.attrs.get("RepoDigests") or [])
