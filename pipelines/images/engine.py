"""What an engine has of an image."""

from __future__ import annotations

import docker
from docker.errors import ImageNotFound


def label_of(client: docker.DockerClient, image: str, label: str) -> str | None:
    """The label's value; None when the engine has no such image, or the image no such label."""
    try:
        return client.images.get(image).labels.get(label)
    except ImageNotFound:
        return None


def has(client: docker.DockerClient, image: str, digest: str) -> bool:
    """Whether the engine has this image under this name."""
    try:
        return str(client.images.get(image).id) == digest
    except ImageNotFound:
        return False
