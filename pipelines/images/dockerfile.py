"""What a service's Dockerfile starts from, and what of it is under the image."""

from __future__ import annotations

import io
from typing import NamedTuple

from docker.auth import resolve_repository_name
from docker.utils import parse_repository_tag
from dockerfile_parse import DockerfileParser
from dockerfile_parse.parser import image_from

from pipelines.compose.model import Project, Service
from pipelines.errors import ConfigError

STAND_IN = "summit.stand-in"  # the label of what was built on one


class Origins(NamedTuple):
    """The images that its stages are made from, and the one under the image itself, as written.

    `stages` are the names of its stages, in lower case; one that has none goes by its number.
    """

    all: tuple[str, ...]
    base: str
    stages: frozenset[str]


class Base(NamedTuple):
    """What is under an image: the official base, or what stands in for it here."""

    name: str
    digest: str  # none of an official base that is not pinned
    is_stand_in: bool

    def labels(self) -> dict[str, str]:
        """What the image says of it."""
        return {
            "org.opencontainers.image.base.name": self.name,
            **({"org.opencontainers.image.base.digest": self.digest} if self.digest else {}),
            **({STAND_IN: self.name} if self.is_stand_in else {}),
        }


def origins(project: Project, service: Service) -> Origins:
    """Read the Dockerfile of a service that has `build`. Raises `ConfigError` when that fails."""
    build = service.build or {}
    context = project.file.resolve().parent / build["context"]
    file = context / build.get("dockerfile", "Dockerfile")
    try:
        text = file.read_text()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", where=service.where) from None
    parser = DockerfileParser(fileobj=io.StringIO(text))
    words = (it["value"] for it in parser.structure if it["instruction"] == "FROM")
    base, stages = "scratch", dict[str, str]()  # what is below each stage
    for image, line in zip(parser.parent_images, words, strict=True):
        base = stages.get(image.lower(), image)
        _, name = image_from(line)
        stages[name.lower() if name else str(len(stages))] = base
    return Origins(tuple(dict.fromkeys(stages.values())), base, frozenset(stages))


def repository(image: str) -> str:
    """`prom/prometheus` of `docker.io/prom/prometheus:v3.5.0@sha256:...`."""
    named, _ = parse_repository_tag(image.partition("@")[0])
    return str(resolve_repository_name(named)[1]).removeprefix("library/")
