"""Dependencies whose version is decided anew with every install."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.containers.images import commands
from pipelines.audit.model.python import pip
from pipelines.audit.model.python.pip import Install, Source
from pipelines.audit.model.python.requirements import Requirement, Requirements
from pipelines.audit.model.roles import Role, is_deployed, role
from pipelines.audit.model.shell import Command
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule
from pipelines.audit.tracked import join

_APPS = ("FastAPI(", "Flask(", "Starlette(", "_application", "Sanic(", "Quart(", "Litestar(")
# What Python's own images bring, and everybody takes the newest of.
_OF_PYTHON = frozenset({"pip", "setuptools", "wheel", "virtualenv"})
_LOOSE_RANGE = re.compile(r"[\^~><*]|^$|^latest$|^next$|\bx\b|\|\|| - ")
_NO_RANGE = ("file:", "link:", "workspace:", "git", "http", "portal:", "patch:", "catalog:")
_MOST_NAMES = 4  # that one message names


@rule("GATE008", "loose-dependency", Severity.LOW)
def loose_dependency(model: Model) -> Iterator[Fault]:
    """A service or a pipeline installs whatever version is the newest that day.

    Why: the build that passed yesterday fails today, or works and behaves otherwise, and nobody can
    build the old image again to compare.

    Example:

        fastapi>=0.111          # requirements.txt of a service, without a lock
        pip install flake8      # a step of CI

    Libraries are meant to take a range, and what a lock or a constraints file pins is pinned.

    Mend: pin with `==`, or compile a lock (`uv lock`, `pip-compile --generate-hashes`, `npm ci`).
    """
    seen: set[Place] = set()
    for fault in (*_of_files(model), *_of_commands(model), *_of_node(model)):
        if fault.place not in seen:
            seen.add(fault.place)
            yield fault


def _of_files(model: Model) -> Iterator[Fault]:
    for file, place in sorted(_installed(model).items()):
        one = model.requirements.get(file)
        if one is None or one.lock or not is_deployed(file):
            continue
        pinned = _constrained(model, one)
        for item in one.items:
            if _is_loose(item) and item.name not in pinned and item.place.file == file:
                yield _fault(item, place)


def _fault(item: Requirement, place: Place) -> Fault:
    range_ = f" {item.specifier}" if item.specifier else ""
    also = (Also(place, "installs it"),) if place.file != item.place.file else ()
    return Fault(
        item.place,
        f"{item.name}{range_} is not pinned, and no lock does it",
        f"pin {item.name} with ==, or install from a lock",
        also=also,
    )


def _is_loose(item: Requirement) -> bool:
    return not item.is_pinned and not item.url and item.name not in _OF_PYTHON


def _constrained(model: Model, one: Requirements) -> frozenset[str]:
    """What the constraints of a list pin."""
    found = (model.requirements.get(file) for file in one.constraints)
    return frozenset(item.name for it in found if it for item in it.items if item.is_pinned)


def _installed(model: Model) -> dict[str, Place]:
    """The lists that an image or CI installs, or that stand beside an application; and where."""
    found: dict[str, Place] = {}
    for _, image in model.runs:
        for file in model.environment(image).files:
            found.setdefault(file, image.place)
    for command, folder in _of_ci(model):
        for install in pip.read(command):
            asked = _file(install, folder)
            if asked is not None and "-c" not in command.words:
                found.setdefault(asked, command.place)
    for source in model.python.holding(*_APPS):
        beside = join(source.rpartition("/")[0], "requirements.txt")
        if beside is not None and beside in model.requirements and role(source) is Role.PRODUCTION:
            for app in model.python.module(source).apps[:1]:
                found.setdefault(beside, app.place)
    for listed, place in list(found.items()):
        one = model.requirements.get(listed)
        for other in one.includes if one else ():
            found.setdefault(other, place)
    return found


def _file(install: Install, folder: str) -> str | None:
    """The list that a step of CI installs; that of a library takes a range on purpose."""
    if install.source is Source.FILE:
        path = join(folder, install.command.folder)
        return join(path or "", install.path) if path is not None else None
    return None


def _of_ci(model: Model) -> Iterator[tuple[Command, str]]:
    """The commands of workflows, and the folders they start from."""
    for workflow in model.workflows:
        for job in workflow.jobs.values():
            for step in job.steps:
                for command in step.script.commands if step.script else ():
                    yield command, step.folder


def _of_commands(model: Model) -> Iterator[Fault]:
    """`pip install flake8` in a step of CI, or in a Dockerfile."""
    for command, _ in _of_ci(model):
        yield from _named(command, "this step", (*_by_pip(command), *_by_npm(command)))
    for image in model.images:
        for _, command in commands(image):
            yield from _named(command, "the image", (*_by_pip(command), *_by_npm(command)))


def _by_pip(command: Command) -> Iterator[str]:
    if {"-c", "--constraint", "--require-hashes"} & set(command.words):
        return
    for install in pip.read(command):
        item = install.requirement
        if command.program in ("apt-get", "apt", "apk", "dnf", "yum", "microdnf"):
            return
        if item is not None and _is_loose(item) and "$" not in item.specifier:
            yield item.name


def _by_npm(command: Command) -> Iterator[str]:
    """`npm install -g tool`: what a package.json lists is installed by a bare `npm install`."""
    words = command.words
    if command.program not in ("npm", "pnpm") or words[1:2] not in (("install",), ("i",), ("add",)):
        return
    if not {"-g", "--global"} & set(words):
        return
    for word in words[2:]:
        is_name = not word.startswith(("-", ".", "/", "$")) and "://" not in word
        version = word.rpartition("@")[2] if "@" in word[1:] else ""
        if is_name and _LOOSE_RANGE.search(version) and "$" not in version:
            yield word


def _named(command: Command, where: str, names: Sequence[str]) -> Iterator[Fault]:
    if not names:
        return
    shown = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
    yield Fault(
        command.place,
        f"{where} installs {shown} in whatever version is the newest",
        "name versions, or install from a list that is pinned",
    )


def _of_node(model: Model) -> Iterator[Fault]:
    for package in model.packages.values():
        if package.lock or role(package.file) is not Role.PRODUCTION:
            continue
        if not _is_service(model, package):
            continue
        asked = {**package.dependencies, **package.development}
        for name, (range_, place) in asked.items():
            if _LOOSE_RANGE.search(range_) and not range_.startswith(_NO_RANGE):
                yield Fault(
                    place,
                    f"{name} {range_ or '*'} is not pinned, and no lock does it",
                    "commit a lock file, and install with npm ci",
                )


def _is_service(model: Model, package: Package) -> bool:
    """Whether an image is built of it; a library takes ranges on purpose."""
    return any(
        image.context is not None and any(
            source == package.file or source == package.folder
            or f"{package.folder}/".startswith(f"{source}/" if source else "")
            for source in image.sources
        )
        for image in model.images
    )  # fmt: skip


RULES: tuple[Rule, ...] = (loose_dependency,)
