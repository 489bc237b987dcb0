"""Calls that may wait for ever, and gateways that anybody may flood."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipelines.audit.model import Model
from pipelines.audit.model.containers.images import Image
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.words import JAVASCRIPT, PYTHON
from pipelines.audit.tracked import join

# Where what is run by hand stands, though an image may hold it.
_BY_HAND = re.compile(
    r"(^|/)(scripts?|tools?|bin|hack|ci|migrations|alembic|notebooks?|training|seeds?|cli)/"
    r"|^(verify|check|debug|try|demo|smoke|load|bench|reproduce)\w*\.py$"
    r"|^tasks\.py$|(^|/)(setup|manage|cli|noxfile|fabfile|gulpfile|(\w+_)?seed|train(_\w+)?)\.\w+$"
)


def is_code(file: str) -> bool:
    """Whether a file is for production, and not run by hand."""
    return role(file) is Role.PRODUCTION and not _BY_HAND.search(file)


def shipped(model: Model) -> Callable[[str], bool]:
    """Whether a file is code that some image holds and runs."""
    folders = {source for image in model.images for source in _sources(image)}
    if any(it in model.tracked.folders and not _has_code(model, it) for it in folders):
        folders.add("")  # a folder for Dockerfiles: the build's context is the one above it

    def is_shipped(file: str) -> bool:
        return is_code(file) and any(
            not it or file == it or file.startswith(f"{it}/") for it in folders
        )

    return is_shipped


def probes(model: Model) -> Iterator[str]:
    """What images and services are asked whether they are well with."""
    for image in model.images:
        for stage in image.dockerfile.stages if image.dockerfile else ():
            yield from (it.text for it in stage.all("HEALTHCHECK"))
        for service in image.services:
            if service.health is not None and service.health.test is not None:
                yield service.health.test.text


def _has_code(model: Model, folder: str) -> bool:
    return any(it.endswith((*PYTHON, *JAVASCRIPT)) for it in model.tracked.below(folder))


def _sources(image: Image) -> Iterator[str]:
    """What is copied into it, or mounted; what an earlier stage builds a package of as well."""
    yield from image.sources
    for service in image.services:
        yield from (it.path for it in service.mounts if it.kind == "bind" and it.path)
    for stage in image.dockerfile.stages if image.dockerfile else ():
        for instruction in stage.all("COPY", "ADD"):
            if "from" not in instruction.flags:
                for word in instruction.arguments[:-1]:
                    path = join(image.context or "", word.lstrip("/"))
                    if path is not None:
                        yield path
