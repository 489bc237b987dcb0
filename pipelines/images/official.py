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


def named(root: Path, repositories: Collection[str]) -> list[str]:
    """Those of these repositories, as the Compose file and its Dockerfiles write them.

    Raises `ConfigError` when one of the files cannot be read.
    """
    project = compose.of(root, environ=os.environ)
    services = project.services.values()
    lists = (origins(project, it).all if it.build else (it.image or "",) for it in services)
    images = dict.fromkeys(image for images in lists for image in images)
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
