"""Builds the image of one component, as the Compose file describes it, and leaves word of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import docker
import msgspec

from pipelines import compose, console, state
from pipelines.compose.model import Project, Service
from pipelines.containers import connect
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError
from pipelines.files import write_atomically
from pipelines.images import bases, buildx, network, override, provenance, revision, sbom
from pipelines.images.buildx import Build
from pipelines.images.dockerfile import origins, repository
from pipelines.programs import process

FOLDER = "images"  # below `.summit`
MATERIALS = "sbom"  # below that
ORIGINS = "provenance"
REPORT = "report"  # the Dockerfile's stage that holds nothing but pip's report of what it installed


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """An image: its name, the digest of its configuration and so of all layers, what it is on.

    `paths` are the files and folders whose last commit gives it its time.
    """

    component: str
    image: str
    digest: str
    size: int
    revision: str
    base: str
    base_digest: str
    is_on_stand_in: bool
    paths: tuple[str, ...]


class Base(NamedTuple):
    """What is under an image: the official base, or what stands in for it here."""

    name: str
    digest: str
    is_stand_in: bool

    def labels(self) -> dict[str, str]:
        """What the image says of it."""
        return {
            "org.opencontainers.image.base.name": self.name,
            "org.opencontainers.image.base.digest": self.digest,
            **({override.STAND_IN: self.name} if self.is_stand_in else {}),
        }


def build(root: Path, component: str, paths: Sequence[str], *, is_fresh: bool = False) -> Built:
    """Build the component's image on the official base, or on the stand-in where there is one.

    Beside the image it leaves a note of it, the list of what it is made of, and where it is from.
    `is_fresh` takes no layer of an earlier build. Raises `ConfigError` when the Compose file does
    not build it, `EngineDown`, `BuildFailed`.
    """
    project = compose.load(root / "compose.yaml", environ=os.environ)
    service = _service(project, component)
    of = revision.of(root, paths)
    with connect() as client, network.secrets() as secrets:
        base = _base(client, project, service)
        described = replace(
            _described(project, service, of),
            labels={**of.labels(), **base.labels()},
            contexts=override.contexts(project, service, bases.standing_in(client)),
            secrets=secrets,
            is_fresh=is_fresh,
        )
        made = _made(client, service, described, of, base, paths)
        _note(root, made, described)
        _trace(root, made, described, of, engine=client.version()["Version"])
    caveat = f"  on the stand-in {base.name}" if base.is_stand_in else ""
    console.result(f"{made.image}  {made.digest}  {made.size / 1e6:.0f} MB{caveat}")
    return made


def _service(project: Project, component: str) -> Service:
    built = {name: it for name, it in project.services.items() if it.build and it.image}
    if component not in built:
        raise ConfigError(
            f"no service called {component!r} has `image` and `build`",
            hint=nearest(component, built),
        )
    return built[component]


def _base(client: docker.DockerClient, project: Project, service: Service) -> Base:
    official = origins(project, service).base
    local = bases.standing_in(client).get(repository(official))
    if local:
        return Base(local, str(client.images.get(local).id), is_stand_in=True)
    name, _, digest = official.partition("@")
    return Base(name, digest, is_stand_in=False)


def _described(project: Project, service: Service, of: revision.Revision) -> Build:
    """What the Compose file says of the build, at the time of the revision."""
    build = service.build or {}
    context = project.file.resolve().parent / build["context"]
    arguments = {**build.get("args", {}), "SOURCE_DATE_EPOCH": str(of.epoch)}
    return Build(context / build.get("dockerfile", "Dockerfile"), context, arguments=arguments)


def _made(
    client: docker.DockerClient,
    service: Service,
    described: Build,
    of: revision.Revision,
    base: Base,
    paths: Sequence[str],
) -> Built:
    image = service.image or ""
    buildx.require(process.run(described.image(image), capture=True), image)
    found = client.images.get(image)
    return Built(
        component=service.name,
        image=image,
        digest=str(found.id),
        size=int(found.attrs["Size"]),
        revision=of.name,
        base=base.name,
        base_digest=base.digest,
        is_on_stand_in=base.is_stand_in,
        paths=tuple(paths),
    )


def _note(root: Path, made: Built, described: Build) -> None:
    """Leave the list of what the image is made of, then the note that it is there."""
    folder = Path(state.make(str(root)), FOLDER)
    (folder / MATERIALS).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="summit-report-") as temporary:
        words = replace(described, target=REPORT, is_fresh=False).files(Path(temporary))
        buildx.require(process.run(words, capture=True, echo=False), made.image)
        materials = folder / MATERIALS / f"{made.component}.cdx.json"
        report = Path(temporary, "report.json")
        sbom.write(report, materials, image=made.image, digest=made.digest)
    text = msgspec.json.format(msgspec.json.encode(made)).decode()
    write_atomically(folder / f"{made.component}.json", f"{text}\n")


def _trace(
    root: Path, made: Built, described: Build, of: revision.Revision, *, engine: str
) -> None:
    folder = Path(state.make(str(root)), FOLDER, ORIGINS)
    folder.mkdir(exist_ok=True)
    provenance.write(
        folder / f"{made.component}.intoto.json",
        image=made.image,
        digest=made.digest,
        dockerfile=os.path.relpath(described.dockerfile, root),
        arguments=described.arguments,
        revision=of,
        base=(made.base, made.base_digest),
        builder={"docker": engine},
    )
