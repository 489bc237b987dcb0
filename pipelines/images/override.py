"""The Compose override under which a host without a registry builds and runs on its own bases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipelines import compose, state
from pipelines.compose.model import Project, Service
from pipelines.files import write_atomically
from pipelines.images import network
from pipelines.images.dockerfile import Base, origins, repository

FILE = Path(state.FOLDER, "compose.bases.yaml")
CA = "build_ca"  # the secret that holds this host's CA bundle, for builds only
_HEADER = "# Written by `inv images.bases`: local bases stand in for official images.\n"


def write(root: Path, stand_ins: Mapping[str, str], digests: Mapping[str, str]) -> None:
    """Write the override for these stand-ins (official repository, local image).

    Without any there is none. It also holds the digests of the images, so that it is another file
    when one was made anew, and who follows it takes note.

    Raises `ConfigError` for a Compose file or a Dockerfile that is wrong or missing, `MachineError`
    when nothing can be written.
    """
    file = root / FILE
    if not stand_ins:
        file.unlink(missing_ok=True)
        return
    project = compose.of(root, environ={})
    services = {
        name: changed
        for name, service in project.services.items()
        if (changed := _changed(project, service, stand_ins, digests))
    }
    bundle = network.certificates()
    secrets = {"secrets": {CA: {"file": str(bundle)}}} if bundle else {}
    state.make(str(root))
    document = {"services": services, **secrets, "x-stand-ins": dict(digests)}
    text = _HEADER + yaml.safe_dump(document, width=1000)
    if not file.exists() or file.read_text() != text:  # what follows the file is left in peace
        write_atomically(file, text)


def contexts(project: Project, service: Service, stand_ins: Mapping[str, str]) -> dict[str, str]:
    """The named build contexts that let a service build on stand-ins.

    Raises `ConfigError` when its Dockerfile cannot be read.
    """
    return {
        official: f"docker-image://{local}"
        for official in origins(project, service).all
        if (local := stand_ins.get(repository(official)))
    }


def _changed(
    project: Project, service: Service, stand_ins: Mapping[str, str], digests: Mapping[str, str]
) -> dict[str, Any]:
    if service.build is not None:
        named = contexts(project, service, stand_ins)
        if not named:
            return {}
        build: dict[str, Any] = {"additional_contexts": named}
        if local := stand_ins.get(repository(origins(project, service).base)):
            build["labels"] = Base(local, digests[local], is_stand_in=True).labels()
        if network.certificates():
            build["secrets"] = [{"source": CA, "target": "ca"}]
        return {"build": build}
    local = stand_ins.get(repository(service.image or ""))
    return {"image": local, "pull_policy": "never"} if local else {}
