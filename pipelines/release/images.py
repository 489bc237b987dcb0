"""The images of a release: pushed to a registry, and named by the digests that it has them by."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound

from pipelines import console, state
from pipelines.containers import connect
from pipelines.errors import ConfigError, MachineError, SummitError
from pipelines.images.build import FOLDER, MATERIALS, ORIGINS, Built
from pipelines.images.engine import has


class NotWhatWasBuilt(SummitError):
    """A name leads to another image than the one that was built, tested and written down."""

    def __init__(self, image: str, built: str, found: str) -> None:
        super().__init__(
            f"{image} leads to {found or 'nothing'} now, and {built} was built",
            hint="`inv build` builds it again, or find out who has given the name away",
        )


def push(registry: str, built: Iterable[Built]) -> dict[str, str]:
    """Push these images to `HOST[:PORT][/PREFIX]`; returns `REPOSITORY@sha256:...` by image.

    The digests are those of the manifests, as the registry answers for them. Raises
    `NotWhatWasBuilt` before anything is pushed, `ConfigError` for what is no address, and
    `MachineError` for a registry that cannot be reached or that has something else.
    """
    wanted = list(built)
    with connect() as client:
        for it in wanted:
            if not has(client, it.image, it.digest):
                raise NotWhatWasBuilt(it.image, it.digest, _found(client, it.image))
        return {it.image: _pushed(client, registry, it) for it in wanted}


def documents(root: Path, built: Iterable[Built]) -> dict[str, bytes]:
    """What the builds have left of these images, by a name each: to be kept as evidence.

    That is a list of what an image is made of (CycloneDX), where its Dockerfile gives one, and
    where it comes from (SLSA provenance). Raises `NotWhatWasBuilt` for one on another image.
    """
    found = {}
    for it in built:
        for kind, suffix in ((MATERIALS, "cdx.json"), (ORIGINS, "intoto.json")):
            file = root / state.FOLDER / FOLDER / kind / f"{it.component}.{suffix}"
            if not file.exists():
                continue
            document = file.read_bytes()
            if it.digest.partition(":")[2].encode() not in document:
                raise NotWhatWasBuilt(f"what {file.name} is about", it.digest, "another image")
            found[f"{it.image}.{suffix}"] = document
    return found


def _pushed(client: docker.DockerClient, registry: str, it: Built) -> str:
    repository = f"{registry}/{it.image.partition(':')[0]}"
    tag = it.digest.partition(":")[2][:12]  # says which one it is, and is never trusted
    try:
        client.images.get(it.digest).tag(repository, tag)
    except APIError as error:
        raise ConfigError(
            f"{registry!r} is no address of a registry: {error.explanation or error}",
            hint="write it as HOST:PORT",
        ) from error
    try:
        digest = _digest(client.images.push(repository, tag, stream=True, decode=True), repository)
        answer = client.images.get_registry_data(f"{repository}@{digest}").id
    except APIError as error:
        raise MachineError(
            f"the registry {registry} cannot be used: {error.explanation or error}",
            hint="`inv registry.start` starts one here",
        ) from error
    finally:
        client.images.remove(f"{repository}:{tag}", noprune=True)
    if answer != digest:
        raise MachineError(f"the registry {registry} has {answer} in the place of {digest}")
    console.progress(f"pushed {repository}@{digest}")
    return f"{repository}@{digest}"


def _digest(said: Iterable[dict[str, object]], repository: str) -> str:
    """What the push ended with. Raises `MachineError`."""
    digest = ""
    for event in said:
        if error := event.get("error"):
            raise MachineError(
                f"cannot push to {repository}: {error}",
                hint="`inv registry.start` starts a registry here",
            )
        match event.get("aux"):
            case {"Digest": str(found)}:
                digest = found
    if not digest:
        raise MachineError(f"the engine does not say what it has pushed to {repository}")
    return digest


def _found(client: docker.DockerClient, image: str) -> str:
    try:
        return str(client.images.get(image).id)
    except ImageNotFound:
        return ""
