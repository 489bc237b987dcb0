"""The images under everything here: official ones, or what stands in for them."""

from __future__ import annotations

from pathlib import Path

import docker

from pipelines.images import bases, official

ROOT = Path(__file__).parents[2]


def image_of(client: docker.DockerClient, repository: str) -> str:
    """The stand-in for this repository, or the image that we pin, fetched if it must be."""
    if stand_in := bases.standing_in(client).get(repository):
        return stand_in
    [image] = official.named(ROOT, {repository})
    assert official.fetch(client, [image])
    return image
