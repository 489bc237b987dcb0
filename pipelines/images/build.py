"""Builds the images of components, as the Compose file describes them, and leaves word of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
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
from pipelines.images.dockerfile import Base, origins, repository
from pipelines.programs import process
from pipelines.programs.together import run_together

FOLDER = "images"  # below `.summit`
MATERIALS = "sbom"  # below that
ORIGINS = "provenance"
REPORT = "report"  # the stage, where there is one, that holds pip's report of what it installed


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


class Order(NamedTuple):
    """An image that is to be built, and how."""

    component: str
    image: str
    base: Base
    build: Build
    has_report: bool


def build(root: Path, component: str, paths: Sequence[str], *, is_fresh: bool = False) -> Built:
    """Build the component's image on the official base, or on the stand-in where there is one.

    Beside the image it leaves a note of it, the list of what it is made of, and where it is from.
    `is_fresh` takes no layer of an earlier build. Raises `ConfigError` when the Compose file does
    not build it, `EngineDown`, `EngineFull`, `BuildFailed`.
    """
    [made] = build_together(root, [component], paths, is_fresh=is_fresh)
    return made


def build_together(
    root: Path, components: Sequence[str], paths: Sequence[str], *, is_fresh: bool = False
) -> list[Built]:
    """The same for several components of the same paths, at once."""
    project = compose.of(root, environ=os.environ)
    of = revision.of(root, paths)
    with connect() as client, network.secrets() as secrets:
        orders = [_order(client, project, name, of) for name in components]
        orders = [
            it._replace(build=replace(it.build, secrets=secrets, is_fresh=is_fresh))
            for it in orders
        ]
        ended = run_together([it.build.image(it.image) for it in orders], cwd=root)
        for order, completed in zip(orders, ended, strict=True):
            buildx.require(completed, order.image)
        return [_kept(client, root, order, of, paths) for order in orders]


def _order(
    client: docker.DockerClient, project: Project, component: str, of: revision.Revision
) -> Order:
    """What the Compose file says of the build, at the time of the revision."""
    service = _service(project, component)
    found = origins(project, service)
    base = _base(client, found.base)
    build = service.build or {}
    context = project.file.resolve().parent / build["context"]
    described = Build(
        context / build.get("dockerfile", "Dockerfile"),
        context,
        arguments={**_pairs(build.get("args", {})), "SOURCE_DATE_EPOCH": str(of.epoch)},
        labels={**_pairs(build.get("labels", {})), **of.labels(), **base.labels()},
        contexts=override.contexts(project, service, bases.standing_in(client)),
    )
    return Order(component, project.image(service), base, described, REPORT in found.stages)


def _pairs(written: Mapping[str, object] | Sequence[str]) -> dict[str, str]:
    """Arguments or labels, as a mapping or as `NAME=VALUE`: Compose takes both."""
    if isinstance(written, Mapping):
        return {name: str(value) for name, value in written.items()}
    return {name: value for name, _, value in (item.partition("=") for item in written)}


def _service(project: Project, component: str) -> Service:
    built = {name: it for name, it in project.services.items() if it.build is not None}
    if component not in built:
        raise ConfigError(
            f"no service called {component!r} has `build`", hint=nearest(component, built)
        )
    return built[component]


def _base(client: docker.DockerClient, official: str) -> Base:
    local = bases.standing_in(client).get(repository(official))
    if local:
        return Base(local, str(client.images.get(local).id), is_stand_in=True)
    name, _, digest = official.partition("@")
    return Base(name, digest, is_stand_in=False)


def _kept(
    client: docker.DockerClient,
    root: Path,
    order: Order,
    of: revision.Revision,
    paths: Sequence[str],
) -> Built:
    """Leave beside the image what is known of it, the note that it is there last."""
    found = client.images.get(order.image)
    made = Built(
        component=order.component,
        image=order.image,
        digest=str(found.id),
        size=int(found.attrs["Size"]),
        revision=of.name,
        base=order.base.name,
        base_digest=order.base.digest,
        is_on_stand_in=order.base.is_stand_in,
        paths=tuple(paths),
    )
    folder = Path(state.make(str(root)), FOLDER)
    _list(folder, made, order)
    _trace(folder, made, order, of, root=root, engine=client.version()["Version"])
    text = msgspec.json.format(msgspec.json.encode(made)).decode()
    write_atomically(folder / f"{made.component}.json", f"{text}\n")
    caveat = f"  on the stand-in {made.base}" if made.is_on_stand_in else ""
    console.result(f"{made.image}  {made.digest}  {made.size / 1e6:.0f} MB{caveat}")
    return made


def _list(folder: Path, made: Built, order: Order) -> None:
    """List what the image is made of, as far as its Dockerfile reports it."""
    materials = folder / MATERIALS / f"{made.component}.cdx.json"
    if not order.has_report:
        materials.unlink(missing_ok=True)
        console.progress(f"{made.image} has no list of what it is made of: no stage `{REPORT}`")
        return
    materials.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="summit-report-") as temporary:
        words = replace(order.build, target=REPORT, is_fresh=False).files(Path(temporary))
        buildx.require(process.run(words, capture=True, echo=False), made.image)
        report = Path(temporary, "report.json")
        sbom.write(report, materials, image=made.image, digest=made.digest)


def _trace(
    folder: Path,
    made: Built,
    order: Order,
    of: revision.Revision,
    *,
    root: Path,
    engine: str,
) -> None:
    file = folder / ORIGINS / f"{made.component}.intoto.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    provenance.write(
        file,
        image=made.image,
        digest=made.digest,
        dockerfile=os.path.relpath(order.build.dockerfile, root),
        arguments=order.build.arguments,
        revision=of,
        base=(made.base, made.base_digest),
        builder={"docker": engine},
    )
