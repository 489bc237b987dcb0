"""Probes: the commands that ask a container whether it is well, wherever they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.audit.model import compose, kubernetes
from pipelines.audit.model.containers.images import Entry, Image, named, somebody_elses
from pipelines.audit.model.nodes import Node
from pipelines.audit.place import Place

_KINDS = ("livenessProbe", "readinessProbe", "startupProbe")


@dataclass(frozen=True)
class Probe:
    """One probe, and the image it runs in."""

    entry: Entry
    image: Image
    place: Place
    service: str = ""
    targets: tuple[str, ...] = ()  # where files are mounted: a program may be one of them


def of_service(service: compose.Service, image: Image) -> Probe | None:
    """The probe that Compose gives; the image's own is told once, with the image."""
    health = service.health
    if health is None or health.is_off or health.test is None or image.health is None:
        return None
    targets = tuple(mount.target for mount in service.mounts)
    return Probe(image.health, image, image.health.place, service.name, targets)


def of_image(image: Image) -> Probe | None:
    """The probe of a Dockerfile."""
    if image.health is None or image.stage is None:
        return None
    said = image.stage.last("HEALTHCHECK")
    names = {service.name for service in image.services}
    targets = tuple(mount.target for it in image.services for mount in it.mounts)
    place = said.place if said is not None else image.health.place
    return Probe(image.health, image, place, min(names) if len(names) == 1 else "", targets)


def of_containers(
    manifests: Iterable[kubernetes.Manifest], images: tuple[Image, ...]
) -> Iterator[Probe]:
    """The `exec` probes of Kubernetes' containers."""
    for manifest in manifests:
        for container in manifest.containers:
            for kind in _KINDS:
                command = container.node.get(kind, "exec", "command")
                if command.items:
                    yield _of_container(container, command, images)


def _of_container(
    container: kubernetes.Container, command: Node, images: tuple[Image, ...]
) -> Probe:
    at = container.image_place or container.place
    image = named(images, container.image) or somebody_elses(container.image, at)
    words = tuple(command.texts)
    place = command.key_place
    targets = tuple(mount["mountPath"].text for mount in container.node["volumeMounts"])
    return Probe(Entry(words, " ".join(words), place), image, place, container.name, targets)
