"""Variables that Compose sets for code that reads none of that name, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Service, Setting, each, stores
from pipelines.audit.model.containers.images import Image
from pipelines.audit.model.kubernetes import Container
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.model.variables import (
    LANGUAGES,
    Words,
    is_of_a_library,
    may_be_read_by,
)
from pipelines.audit.place import Place

# Bases that read no variables but their language's own.
_PLAIN = re.compile(
    r"(?:.*/)?(?:python|node|alpine|debian|ubuntu|busybox|bun|deno|pypy|uv|poetry|rockylinux|fedora"
    r"|amazonlinux|python3-debian12|python3|nodejs\w*-debian\d+|slim|micromamba|miniconda3)"
    r"(?:[:@].*)?"
)
_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_MANY = 500  # files


def unread(model: Model) -> Iterator[Fault]:
    """What is set for a service whose code nowhere has that name."""
    services = [it for _, it in each(model.projects) if it.build is not None]
    names = frozenset(name for it in services for name in it.environment if _is_asked(name))
    words = Words(model.tracked, names)
    seen: set[Place] = set()
    for service in services:
        own = [it for it in service.environment.values() if it.name in names and not it.source]
        known = _read(model, service, words, service.environment) if own else None
        for setting in own if known is not None else ():
            files = (known or {}).get(setting.name, [])
            fault = _fault(model, service, setting, files)
            if fault is not None and setting.place not in seen:
                seen.add(setting.place)
                yield fault


def _is_asked(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not is_of_a_library(name)


def _fault(model: Model, service: Service, setting: Setting, files: list[str]) -> Fault | None:
    if not files:
        installed = _distributions(model, service)
        is_theirs = may_be_read_by(setting.name, installed)
        return None if is_theirs else _unread(setting.name, setting.place, service)
    place = _unused(model, setting, files)
    return _unused_fault(setting, place, service) if place else None


def _distributions(model: Model, service: Service) -> frozenset[str]:
    """What the requirements and packages in a service's context name."""
    context = model.image(service).context or ""
    start = f"{context}/" if context else ""
    found: set[str] = set()
    for file, requirements in model.requirements.items():
        if file.startswith(start):
            found |= requirements.names()
    for package in model.packages.values():
        if package.file.startswith(start):
            found |= {*package.dependencies, *package.development}
    return frozenset(it.lstrip("@").replace("/", "-") for it in found)


def _unread(name: str, place: Place, service: Service) -> Fault:
    return Fault(
        place,
        f"{name} is set for {service.name}, whose code does not read it",
        f"remove {name}, or set the variable that {service.name} reads",
        service=service.name,
    )


def in_kubernetes(model: Model) -> Iterator[Fault]:
    """The same for containers whose image is that of a service here."""
    services = {it.name: it for _, it in each(model.projects) if it.build is not None}
    pairs = [
        (container, services[container.name])
        for container in model.kubernetes.containers
        if container.name in services and _is_image_of(container.image, services[container.name])
    ]
    variables = [it["name"].text for container, _ in pairs for it in container.node["env"].items]
    names = frozenset(it for it in variables if _is_asked(it))
    words = Words(model.tracked, names)
    for container, service in pairs:
        given = [it["name"].text for it in container.node["env"].items]
        known = _read(model, service, words, given)
        installed = _distributions(model, service)
        joined = frozenset(_joined(container))
        for variable in container.node["env"].items if known is not None else ():
            name = variable["name"].text
            is_ours = name in names - joined and not may_be_read_by(name, installed)
            if is_ours and name not in (known or {}):
                yield _unread(name, variable["name"].key_place, service)


def in_pulled(model: Model) -> Iterator[Fault]:
    """The same for services that pull the image which another file builds."""
    built = {it.name: it for _, it in each(model.projects) if it.build is not None}
    pairs = [
        (service, built[service.name])
        for _, service in each(model.projects)
        if service.build is None
        and service.name in built
        and _is_image_of(service.image, built[service.name])
    ]
    names = frozenset(it for service, _ in pairs for it in service.environment if _is_asked(it))
    words = Words(model.tracked, names)
    seen: set[Place] = set()
    for service, origin in pairs:
        known = _read(model, origin, words, service.environment)
        installed = _distributions(model, origin)
        asked = frozenset(_asked_by_shell(service))
        for setting in service.environment.values() if known is not None else ():
            is_ours = setting.name in names - asked and not may_be_read_by(setting.name, installed)
            is_told = setting.source or setting.place in seen or setting.name in (known or {})
            if is_ours and not is_told:
                seen.add(setting.place)
                yield _unread(setting.name, setting.place, service)


def _joined(container: Container) -> Iterator[str]:
    """The variables that others of a container, or its command, are made of: `$(NAME)`."""
    texts = [it["value"].text for it in container.node["env"].items]
    texts += [it.text for key in ("command", "args") for it in container.node[key].items]
    for text in texts:
        yield from re.findall(r"\$[({]?(\w+)", text)


def _is_image_of(image: str, service: Service) -> bool:
    """Whether an image is called as the service is, perhaps with the project's name before it."""
    name = stores.name(image)
    return bool(name) and (name == stores.name(service.image) or name.endswith(service.name))


def _unused_fault(setting: Setting, place: Place, service: Service) -> Fault:
    return Fault(
        setting.place,
        f"{setting.name} is set for {service.name}, which reads it and then does nothing with it",
        f"use {setting.name} in the code, or remove it",
        also=(Also(place, "it is read here"),),
        service=service.name,
    )


def _files(model: Model, service: Service, words: Words) -> list[str] | None:
    """The files whose code a service may run; None when that cannot be told."""
    image = model.image(service)
    if not image.is_built or image.context is None or not _is_plain(image):
        return None
    folders = [image.context, *(it.path or "" for it in service.mounts if it.kind == "bind")]
    started = [it for it in model.applications if it.service == service.name]
    found = [path for folder in folders if folder for path in words.files(folder)]
    if "" in folders:
        # Of the whole repository it runs what its imports find there.
        if not started and image.context:
            return None
        found += words.files("") if not image.context else []
    for it in started:
        if not all(_is_below(folder, folders) for folder in it.path):
            found += model.python.reached(it.module, it.path)
    return list(dict.fromkeys(found))


def _is_below(folder: str, folders: list[str]) -> bool:
    """Whether what a folder holds is looked through anyway."""
    return any(other and f"{folder}/".startswith(f"{other}/") for other in folders)


def _is_plain(image: Image) -> bool:
    root = image.stage.root.base if image.stage else ""
    return bool(_PLAIN.fullmatch(root.lower()))


def _read(
    model: Model, service: Service, words: Words, wanted: Iterable[str]
) -> dict[str, list[str]] | None:
    """The names that stand in the code, each with its files; None when the code may read any.

    Of much code no more is read than shows all that is `wanted`.
    """
    files = _files(model, service, words)
    if files is None or not any(path.endswith(LANGUAGES) for path in files):
        return None
    found: dict[str, list[str]] = {}
    settings = set(model.python.holding("Settings"))
    wanted = {it for it in wanted if _is_asked(it)}
    is_large = len(files) > _MANY
    for path in sorted(files, key=lambda it: "env" not in it) if is_large else files:
        if is_large and wanted <= found.keys():
            return {name: [*paths, ""] for name, paths in found.items()}  # there may be more
        if words.takes_all(path):
            return None
        for name in words.of(path):
            found.setdefault(name, []).append(path)
        for read in model.python.module(path).reads if path in settings else ():
            found.setdefault(read.name.upper(), []).append(path)
    for name in _asked_by_shell(service):
        found.setdefault(name, []).append(service.project)
    return found


def _asked_by_shell(service: Service) -> Iterator[str]:
    """The variables that a service's own commands ask for."""
    for text in _texts(service):
        yield from re.findall(r"\$\{?(\w+)", text)
    for other in service.environment.values():
        yield from re.findall(r"\$\$\{?(\w+)", other.raw or "")


def _texts(service: Service) -> Iterator[str]:
    """What else of a service a shell in it reads."""
    for words in (service.command, service.entrypoint):
        if words is not None:
            yield words.text
    if service.health is not None and service.health.test is not None:
        yield service.health.test.text


def _unused(model: Model, setting: Setting, files: list[str]) -> Place | None:
    """Where it is bound to a name of a module that nothing mentions again."""
    if len(files) != 1 or not files[0].endswith(".py"):
        return None
    lines = [
        (number, line)
        for number, line in enumerate(model.tracked.lines(files[0]), 1)
        if setting.name in line and re.search(rf"\b{setting.name}\b", line)
    ]
    bound = rf"{setting.name}(?:\s*:[^=]+)?\s*=\s*\S*(?:getenv|environ).*"
    is_bound = len(lines) == 1 and re.fullmatch(bound, lines[0][1])
    return Place(files[0], lines[0][0]) if is_bound else None


def required(model: Model) -> Iterator[Fault]:
    """What code cannot be imported without, and nothing sets."""
    applications = {it.service: it for it in model.applications if it.service}
    for project, service in each(model.projects):
        application = applications.get(service.name)
        if application is None or not _is_known(model, service) or project.is_development:
            continue
        given = {*service.environment, *model.image(service).environment}
        for file in model.python.reached(application.module, application.path, optional=False):
            for read in model.python.module(file).reads if is_deployed(file) else ():
                if not read.is_required or read.name in given or not _is_at_once(model, read.place):
                    continue
                given.add(read.name)
                yield Fault(
                    service.place,
                    f"{service.name} does not start without {read.name}, which nothing sets",
                    f"set {read.name} for {service.name}, or give it a default that is safe",
                    also=(Also(read.place, "it is read here, without a default"),),
                    service=service.name,
                    severity=Severity.MEDIUM,
                    confidence=Confidence.MEDIUM,
                )


def _is_known(model: Model, service: Service) -> bool:
    """Whether all that sets variables for a service is tracked."""
    node = service.node["env_file"]
    if node and not any(it.source for it in service.environment.values()):
        return False
    image = model.image(service)
    return image.is_built and not any(
        mount.target.endswith(".env") or mount.source.endswith(".env") for mount in service.mounts
    )


def _is_at_once(model: Model, place: Place) -> bool:
    """Whether a line runs when its module is imported: it stands in no function."""
    lines = model.tracked.lines(place.file)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return bool(line) and not line[0].isspace()
