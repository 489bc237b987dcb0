"""The root file system under every local base: Debian, from where this host gets its packages."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker

from pipelines.containers import debian, packages
from pipelines.errors import MachineError
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


def recipe() -> str:
    """The digest of how the root file system is made."""
    return hashlib.sha256(json.dumps([debian.RELEASE, *_OPTIONS]).encode()).hexdigest()


def make(client: docker.DockerClient, *, labels: Mapping[str, str]) -> None:
    """Bootstrap Debian and import it as `IMAGE`.

    Raises `MachineError` on a host that is not Debian's, and when mmdebstrap cannot be installed or
    fails.
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
        changes = [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
        name, _, tag = IMAGE.partition(":")
        client.api.import_image_from_file(str(tar), repository=name, tag=tag, changes=changes)
