"""The images that a stack is started from: built where the engine has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from pipelines import console
from pipelines.compose.model import Service
from pipelines.images.build import build


def provide(client: docker.DockerClient, root: Path, services: Iterable[Service]) -> None:
    """Build what is built from this checkout and is missing; raises `BuildFailed`.

    What is there is taken as it is: `inv build` makes it anew where its source has changed.
    """
    users: dict[str, list[str]] = defaultdict(list)
    for service in services:
        if service.build and service.image and not _has(client, service.image):
            users[service.image].append(service.name)
    for image, names in users.items():
        console.progress(f"building {image}")
        # Jobs share the image of a service, which bears its name.
        build(root, min(names, key=lambda name: (not image.endswith(name), name)), ["."])


def _has(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True
