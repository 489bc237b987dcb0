"""The official images that this repository names, fetched where a registry can be reached."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound
from requests import ReadTimeout

from pipelines import compose, console
from pipelines.images.dockerfile import origins, repository

# The only one that no repository names: the edge of deploys. Of the version that Debian has too.
HAPROXY = (
    "haproxy:3.0-alpine@sha256:dee54db8b27cd6c21519ea4f0ba0604f3742e8e7369bc16fb5b69133dec3f47f"
)


def named(root: Path, repositories: Collection[str]) -> list[str]:
    """Those of these repositories, as the Compose file, its Dockerfiles and we write them.

    Raises `ConfigError` when one of the files cannot be read.
    """
    project = compose.of(root, environ=os.environ)
    services = project.services.values()
    lists = (origins(project, it).all if it.build else (it.image or "",) for it in services)
    images = dict.fromkeys((*(image for images in lists for image in images), HAPROXY))
    return [image for image in images if repository(image) in repositories]


def fetch(client: docker.DockerClient, images: Iterable[str]) -> bool:
    """Whether the engine has all of these in the end; it says which could not be had, and why."""
    for image in images:
        try:
            _fetch(client, image)
        except (APIError, ReadTimeout) as error:
            why = getattr(error, "explanation", None) or error
            console.progress(f"{image} cannot be had: {why}")
            return False
    return True


def _fetch(client: docker.DockerClient, image: str) -> None:
    try:
        client.images.get(image)
    except ImageNotFound:
        console.progress(f"fetching {image}")
        client.images.pull(image)
