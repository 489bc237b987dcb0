"""A secret that went into an image is found in what the engine saves of it."""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from pipelines.containers import connect, leftovers
from pipelines.secrets.canary import Canaries

VALUES = {name: secrets.token_hex(16).encode() for name in ("in_layer", "in_settings", "nowhere")}


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    with connect() as client:
        yield client


@pytest.fixture
def image(engine: docker.DockerClient) -> Iterator[str]:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        file = tarfile.TarInfo("app/settings.ini")
        file.size = len(VALUES["in_layer"])
        archive.addfile(file, io.BytesIO(VALUES["in_layer"]))
    name = f"summit-test-{secrets.token_hex(4)}"
    engine.api.import_image_from_data(
        layer.getvalue(),
        repository=name,
        changes=[
            f"ENV TOKEN={VALUES['in_settings'].decode()}",
            f"LABEL {leftovers.OWNER}={leftovers.owner()}",
        ],
    )
    yield name
    engine.images.remove(name)


def test_a_secret_is_found_in_a_layer_and_in_the_settings(
    engine: docker.DockerClient, image: str, tmp_path: Path
) -> None:
    saved = tmp_path / "image.tar"
    with saved.open("wb") as file:
        file.writelines(engine.images.get(image).save())

    leaks = list(Canaries(VALUES).in_image(saved))

    assert {leak.secret for leak in leaks} == {"in_layer", "in_settings"}
    assert len({leak.place for leak in leaks}) > 1
