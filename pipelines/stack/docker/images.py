"""The images that a stack is started from: built where the engine has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from pipelines import console
from pipelines.compose.model import Project, Service
from pipelines.images.build import build_together


def provide(
    client: docker.DockerClient, root: Path, project: Project, services: Iterable[Service]
) -> None:
    """Build what is built from this checkout and is missing; raises `BuildFailed`.

    What is there is taken as it is. Where the plan has a step for it, that has made it by now.
    """
    users: dict[str, list[str]] = defaultdict(list)
    for service in services:
        if service.build is not None:
            users[project.image(service)].append(service.name)
    missing = [image for image in users if not _has(client, image)]
    if missing:
        console.progress(f"building {', '.join(missing)}")
        build_together(root, [_named(image, users[image]) for image in missing], ["."])


def _named(image: str, users: Iterable[str]) -> str:
    """The service that the image is called after: jobs share its image."""
    return min(users, key=lambda name: (not image.endswith(name), name))


def _has(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True
