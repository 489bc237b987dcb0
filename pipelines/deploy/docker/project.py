"""Compose projects that we have rendered: how `docker compose` is called, whose containers are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from pipelines import compose
from pipelines.deploy.site import Site
from pipelines.errors import ConfigError
from pipelines.files import write_atomically
from pipelines.programs import process
from pipelines.release import Release
from pipelines.stack.docker.project import FOLDER, PROJECT, SERVICE, ComposeFailed
from pipelines.stack.engine import Foreign

Document = dict[str, Any]  # a Compose file, as JSON
SITE, RELEASE, SLOT, PART = (f"summit.{it}" for it in ("environment", "release", "slot", "part"))
_OWN = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG")


@dataclass(frozen=True)
class Rendered:
    """A project by its name, and the file that it is rendered to; relative to `root` is nothing."""

    name: str
    file: Path
    root: Path

    def write(self, document: Document) -> None:
        """Write the file, which has variables in it: for its owner alone."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.touch(mode=0o600)
        write_atomically(self.file, _text(document))

    def holds(self, document: Document) -> bool:
        """Whether the file is this document already."""
        return self.file.exists() and self.file.read_text() == _text(document)

    def call(self, what: str, *command: str, has_file: bool = True) -> None:
        """Run `docker compose`; raises `ComposeFailed` with what its words come to."""
        words = [
            *("docker", "compose", "--progress=plain", f"--project-name={self.name}"),
            *([f"--project-directory={self.root}", f"--file={self.file}"] if has_file else []),
            *command,
        ]
        done = process.run(words, cwd=self.root, capture=True, echo=False)
        if not done:
            raise ComposeFailed(what, done.output)

    def containers(self, client: docker.DockerClient) -> dict[str, Container]:
        """Its containers by service. Raises `Foreign` when they are another checkout's."""
        found: Sequence[Container] = client.containers.list(
            all=True, filters={"label": f"{PROJECT}={self.name}"}, ignore_removed=True
        )
        for container in found:
            folder = container.labels.get(FOLDER, "")
            if Path(folder) != self.root:
                raise Foreign(self.name, folder)
        return {it.labels[SERVICE]: it for it in found}


def labelled(
    client: docker.DockerClient, labels: Mapping[str, str], *, root: Path
) -> Sequence[Container]:
    """The containers of a checkout that bear all these labels."""
    wanted = [f"{name}={value}" for name, value in {**labels, FOLDER: str(root)}.items()]
    found: Sequence[Container] = client.containers.list(
        all=True, filters={"label": wanted}, ignore_removed=True
    )
    return found


def described(site: Site, release: Release, folder: Path) -> Document:
    """The release's Compose file as `docker compose` reads it, with this environment's variables.

    Nothing is left out of it, also what no other engine has a word for. It is kept in `folder`, as
    the answer is the same for the same release and environment. Raises `ComposeFailed`.
    """
    source = site.source(release.id)
    kept = folder / f"described-{_digest(site)}.json"
    if kept.exists():
        document: Document = json.loads(kept.read_text())
        return document
    file = compose.find(source)
    if file is None:
        raise ConfigError(f"no Compose file in {source}")
    own = {name: os.environ[name] for name in _OWN if name in os.environ}
    words = [
        *("docker", "compose", f"--project-directory={source}", f"--file={file}"),
        *("--profile=*", "config", "--format=json"),
    ]
    said = process.read(words, cwd=source, env={**own, **site.environment.variables})
    if not said:
        raise ComposeFailed(f"cannot read {file.name} of release {release.short}", said.errors)
    document = json.loads(said.output)
    Rendered("", kept, site.root).write(document)
    return document


def _text(document: Document) -> str:
    return json.dumps(document, indent=1) + "\n"


def _digest(site: Site) -> str:
    variables = json.dumps(dict(site.environment.variables), sort_keys=True)
    return hashlib.sha256(variables.encode()).hexdigest()[:12]
