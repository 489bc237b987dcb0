"""The root file system under every local base: Debian, from where this host gets its packages."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker
import msgspec
from docker.errors import APIError

from pipelines.containers import debian, packages
from pipelines.errors import MachineError
from pipelines.images import buildx
from pipelines.programs import process

PREFIX = "summit-base"
IMAGE = f"{PREFIX}/debian:{debian.RELEASE}"
# Nobody reads these in a container; half of the size is in them.
_LEFT_OUT = ("doc", "man", "info", "locale", "lintian")
_OPTIONS = (
    "--variant=minbase",
    "--include=ca-certificates",
    "--format=tar",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _LEFT_OUT),
)


class _Event(msgspec.Struct):
    error: str = ""


def recipe() -> str:
    """The digest of how the root file system is made."""
    return hashlib.sha256(json.dumps([debian.RELEASE, *_OPTIONS]).encode()).hexdigest()


def make(client: docker.DockerClient, *, labels: Mapping[str, str]) -> None:
    """Bootstrap Debian and import it as `IMAGE`.

    Raises `MachineError` on a host that is not Debian's and when mmdebstrap cannot be installed or
    fails, and as `load` does.
    """
    if debian.family() != "debian":
        raise MachineError(
            "stand-ins are made of Debian's packages, and this host is not a Debian",
            hint="make them on one, or let the engine reach a registry",
        )
    packages.install(packages.BASES)
    with tempfile.TemporaryDirectory(prefix="summit-base-") as folder:
        tar = Path(folder, "root.tar")
        command = ["mmdebstrap", *_OPTIONS, debian.RELEASE, str(tar), *debian.sources()]
        completed = process.run(command, capture=True)
        if not completed:
            said = (completed.output.strip().splitlines() or [""])[-1]
            raise MachineError(f"mmdebstrap ended with exit code {completed.code}: {said}")
        load(client, tar, IMAGE, labels=labels)


def load(client: docker.DockerClient, tar: Path, image: str, *, labels: Mapping[str, str]) -> None:
    """Let the engine have the files of an archive as this image.

    Raises `BuildFailed`, and `EngineFull` when they do not fit its disk.
    """
    changes = [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
    name, _, tag = image.partition(":")
    try:
        said = client.api.import_image_from_file(
            str(tar), repository=name, tag=tag, changes=changes
        )
    except APIError as error:
        raise buildx.failed(image, str(error.explanation)) from error
    # What goes wrong once it has begun to answer stands in the answer.
    for event in msgspec.json.Decoder(_Event).decode_lines(said):
        if event.error:
            raise buildx.failed(image, event.error)
