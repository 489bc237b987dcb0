"""Compose commands that are for development."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Project, Service, Words, each
from pipelines.audit.model.containers.development import why_development
from pipelines.audit.model.containers.images import Entry, Image
from pipelines.audit.model.containers.started import Started
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.places import first_at_each_place

_TARGET = re.compile(r"(.*[-_.])?(dev|devel|develop|development|debug|local|watch|hot)([-_.].*)?")
_SUBSTITUTED = re.compile(r"\$\(|`")


@rule("SEC005", "dev-command-in-compose", Severity.HIGH)
def development_command_in_compose(model: Model) -> Iterator[Fault]:
    """Compose starts a service in the way of its developers, not in that of its image.

    Why: development servers show their sources and variables to whoever provokes an error, reload
    whatever is written into their folder, and serve one request at a time. That the image itself is
    sound does not help: Compose's words take the place of its own.

    Example:

        web:
          build: ./web
          command: npm run dev

    Mend: take `command:` (or `target:`) away, so that the image's own command runs; put the
    developers' into `compose.override.yaml`.
    """
    yield from first_at_each_place(_faults(model))


def _faults(model: Model) -> Iterator[Fault]:
    for project, service in each(model.projects):
        image = model.image(service)
        words = service.command or service.entrypoint
        if words is not None:
            if found := _development(model, image, words):
                why, reached = found
                yield _fault(project, service, words.place, f"is started with {why}", reached)
        elif service.build is not None and service.build.target and service.build.target_place:
            yield from _target(model, project, service, image)


def _target(model: Model, project: Project, service: Service, image: Image) -> Iterator[Fault]:
    """A stage for developers, told by its name or by what it starts."""
    build = service.build
    if build is None or build.target_place is None or _is_last(image):
        return
    found = _development(model, image, None)
    if found or _TARGET.fullmatch(build.target.lower()):
        why = f", which starts {found[0]}" if found else ""
        what = f"is built as the stage {build.target}, made for development{why}"
        place = image.stage.place if image.stage else None
        yield _fault(project, service, build.target_place, what, (place,) if place else ())


def _is_last(image: Image) -> bool:
    """Whether the stage is the one that is built without a target, too."""
    return image.dockerfile is not None and image.stage is image.dockerfile.target()


def _development(
    model: Model, image: Image, words: Words | None
) -> tuple[str, tuple[Place, ...]] | None:
    """What makes the image's command one for development, and the places that lead to it."""
    entry = image.entry
    if entry is None:
        return None
    whole = replace(image, entry=_certain(entry))
    for it in model.started(whole):
        if why := why_development(it.command):
            return why, _reached(it, words)
    return None


def _certain(entry: Entry) -> Entry:
    """The words before a substitution: what comes of that depends on who reads it, if anybody."""
    for number, word in enumerate(entry.words):
        if not entry.is_shell and _SUBSTITUTED.search(word) and " " not in word:
            return replace(entry, words=entry.words[:number])
    return entry


def _reached(it: Started, words: Words | None) -> tuple[Place, ...]:
    return tuple(place for place in it.via if words is None or place != words.place)


def _fault(
    project: Project, service: Service, place: Place, what: str, reached: tuple[Place, ...]
) -> Fault:
    is_mended = project.base == "" and any(
        _replaces(override, service) for override in project.overrides
    )
    severity = None if service.build is not None else Severity.MEDIUM
    return Fault(
        place,
        f"{service.name} {what}",
        "leave it to the image's own command, and move this to an override for development",
        also=tuple(Also(it, "which leads there") for it in reached),
        service=service.name,
        severity=Severity.LOW if is_mended else severity,
    )


def _replaces(override: Project, service: Service) -> bool:
    """Whether an override for production starts the service in another way."""
    other = override.services.get(service.name)
    if override.is_development or other is None or service.name not in override.own:
        return False
    return (other.command, other.entrypoint) != (service.command, service.entrypoint) or (
        other.build is not None
        and service.build is not None
        and other.build.target != service.build.target
    )


RULES: tuple[Rule, ...] = (development_command_in_compose,)
