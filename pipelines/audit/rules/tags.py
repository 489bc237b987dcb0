"""Images whose name means something else tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Project, each
from pipelines.audit.model.compose.interpolation import references
from pipelines.audit.model.containers.dockerfile import Dockerfile, Stage
from pipelines.audit.model.nodes import Node
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.places import first_at_each_place

_TAGGED = re.compile(r"(?P<name>.+?)(?::(?P<tag>[^/:@]+))?(?P<digest>@.+)?")
_LATEST = re.compile(r"latest([-_.].*)?", re.IGNORECASE)
# They move too, if not as far.
_MOVES = re.compile(
    r"(stable|edge|nightly|main|master|dev|develop|lts|alpine|slim|current|mainline|canary|"
    r"rolling|beta|next)([-_](slim|alpine|bookworm|bullseye|trixie))?",
    re.IGNORECASE,
)
_MOST = 2_000  # mappings and lists in a chart's values
_REMEDY = "name a version, or pin it by digest: {name}@sha256:..."


@rule("REL009", "mutable-image", Severity.MEDIUM)
def mutable_image(model: Model) -> Iterator[Fault]:
    """An image is named without a version, so it is another one tomorrow.

    Why: `latest` is whatever was pushed last. Two machines run different things under one name, a
    restart may bring a new major version to the old data, and there is nothing to go back to.

    Example:

        grafana:
          image: grafana/grafana:latest

    Mend: name a version (`grafana/grafana:11.3.0`), better with its digest.
    """
    yield from first_at_each_place(_faults(model))


def _faults(model: Model) -> Iterator[Fault]:
    tagged = _tagged(model)
    known: dict[int, frozenset[str]] = {}  # by project
    for project, service in each(model.projects):
        if id(project) not in known:
            known[id(project)] = tagged | _built(project)
        place = service.image_place
        if service.build is None and place and not _is_open(project, service.node["image"].text):
            yield from _mutable(service.image, place, known[id(project)], service.name)
    for dockerfile in model.dockerfiles.values():
        yield from _bases(dockerfile, tagged)
    for container in model.kubernetes.containers:
        # A name without a registry is what a build or Kustomize will replace.
        if container.image_place and "/" in container.image:
            yield from _mutable(container.image, container.image_place, tagged, container.workload)
    for values in model.kubernetes.values.values():
        yield from _charted(values, tagged)


def _charted(values: Node, built: frozenset[str]) -> Iterator[Fault]:
    """What a chart's values say of images: `image: name:tag`, or a repository and a tag."""
    waiting = [values]
    for _ in range(_MOST):
        if not waiting:
            return
        node = waiting.pop()
        repository, tag = node["repository"].text, node["tag"]
        if repository and tag.text:
            registry = node["registry"].text
            name = f"{registry}/{repository}" if registry else repository
            yield from _mutable(f"{name}:{tag.text}", tag.key_place, built)
        image = node["image"]
        if "/" in image.text and ":" in image.text:
            yield from _mutable(image.text, image.key_place, built)
        waiting += [it for it in (*node.fields.values(), *node.items) if not it.is_scalar]


def _is_open(project: Project, raw: str) -> bool:
    """Whether somebody outside of the repository has to say which image it is."""
    return any(
        reference.name not in project.values and not reference.has_default
        for reference in references(raw)
    )


def _tagged(model: Model) -> frozenset[str]:
    """The names of what is built here, and of what Kustomize gives another tag.

    A name with a registry is pulled from it, whoever once pushed it.
    """
    tags = [tag for image in model.images for tag in image.tags]
    kustomized = [
        node["name"].text
        for manifest in model.kubernetes.manifests
        if manifest.kind == "Kustomization"
        for node in manifest.node["images"]
        if node["newTag"] or node["digest"]
    ]
    local = (name for name in map(_name, tags) if "/" not in name)
    return frozenset((*local, *kustomized))


def _built(project: Project) -> frozenset[str]:
    """The names of what Compose builds for another service of the project."""
    return frozenset(_name(it.image) for it in project.services.values() if it.build and it.image)


def _name(image: str) -> str:
    found = _TAGGED.fullmatch(image)
    return found["name"] if found else image


def _mutable(image: str, place: Place, built: frozenset[str], service: str = "") -> Iterator[Fault]:
    found = _TAGGED.fullmatch(image)
    if found is None or found["digest"]:
        return
    name, tag = found["name"], found["tag"]
    if name in built:
        return
    if tag is None or _LATEST.fullmatch(tag):
        what = f"the image {name} has no version" if tag is None else f"{image} names no version"
        severity = None
    elif _MOVES.fullmatch(tag):
        what, severity = f"{image} names no version", Severity.LOW
    else:
        return
    yield Fault(
        place,
        f"{what}: it is another image tomorrow",
        _REMEDY.format(name=name),
        service=service,
        severity=severity,
    )


def _bases(dockerfile: Dockerfile, built: frozenset[str]) -> Iterator[Fault]:
    for stage in dockerfile.stages:
        if stage.parent is None and stage.base and stage.base != "scratch":
            yield from _mutable(stage.base, stage.place, built)
        yield from _copied(dockerfile, stage)


def _copied(dockerfile: Dockerfile, stage: Stage) -> Iterator[Fault]:
    """Files out of somebody else's image."""
    for instruction in stage.instructions:
        source = instruction.flags.get("from", "")
        if instruction.name != "COPY" or "$" in source or not ("/" in source or ":" in source):
            continue
        if dockerfile.target(source) is None:
            for fault in _mutable(source, instruction.place, frozenset()):
                yield Fault(fault.place, fault.message, fault.remedy, severity=Severity.LOW)


RULES: tuple[Rule, ...] = (mutable_image,)
