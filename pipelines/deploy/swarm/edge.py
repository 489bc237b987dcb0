"""The edge of a swarm: a container of its manager, outside of every stack.

Whatever is asked of it or kept for it goes by the manager's API, so it may be another machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import LogConfig

from pipelines.deploy.docker import haproxy
from pipelines.deploy.docker.edge import Edge, EdgeDown, Lead, lead_of, value_of
from pipelines.deploy.docker.haproxy import CONFIG, FOLDER, KEY, MAP, Door
from pipelines.deploy.docker.project import PART
from pipelines.deploy.docker.render import DOORS, EDGE_USER
from pipelines.deploy.docker.running import EDGE
from pipelines.deploy.swarm.render import MOST

_READ = "summit.configuration"  # a label: the digest of what it was made with
_PORT = 9000  # of its runtime API, inside of its own network namespace alone
_ASK = f'exec 3<>/dev/tcp/127.0.0.1/{_PORT} && printf "%s\\n" "$1" >&3 && cat <&3'


@dataclass(frozen=True)
class EdgeThere(Edge):
    """The edge as its container knows it."""

    container: Container

    def ask(self, command: str) -> str:
        try:
            code, said = self.container.exec_run(["bash", "-c", _ASK, "ask", command])
        except APIError as error:
            raise EdgeDown(str(error.explanation)) from error
        text = cast(bytes, said).decode()
        if code:
            raise EdgeDown((text.strip().splitlines() or ["it does not listen"])[-1])
        return text

    def will_lead_to(self) -> Lead:
        parts, _ = self.container.get_archive(f"{FOLDER}/{MAP}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as archive:
            file = archive.extractfile(MAP)
            return lead_of(file.read().decode().split()[1]) if file else Lead()

    def remember(self, to: Lead) -> None:
        _put(self.container, {MAP: f"{KEY} {value_of(to)}\n"})


def find(client: docker.DockerClient, labels: Mapping[str, str]) -> Container | None:
    """The edge's container, whether it runs or not."""
    wanted = [f"{name}={value}" for name, value in {**labels, PART: EDGE}.items()]
    found = client.containers.list(all=True, filters={"label": wanted})
    return found[0] if found else None


def provide(
    client: docker.DockerClient,
    name: str,
    image: str,
    doors: Sequence[Door],
    networks: Sequence[str],
    labels: Mapping[str, str],
) -> None:
    """Have the edge run; it is made anew only when its doors or its image change.

    `networks` are those that it is in: the first leads outside.
    """
    configuration = haproxy.configuration(doors, runtime=f"ipv4@127.0.0.1:{_PORT}", most=MOST)
    made_with = hashlib.sha256(f"{image}\n{doors}\n{configuration}".encode()).hexdigest()
    there = find(client, labels)
    if there and there.labels.get(_READ) != made_with:
        there.remove(force=True)
        there = None
    if there is None:
        shown = json.dumps({door.service: [door.host, door.port] for door in doors})
        about = {**labels, PART: EDGE, _READ: made_with, DOORS: shown}
        there = _create(client, name, image, doors, networks, about)
    _put(there, {CONFIG: configuration})
    if not _has_map(there):
        EdgeThere(there).remember(Lead())
    there.start()
    EdgeThere(there).wait()


def remove(client: docker.DockerClient, labels: Mapping[str, str]) -> None:
    """Remove the edge, with what it keeps."""
    if there := find(client, labels):
        name = str(there.name)
        there.remove(force=True)
        client.volumes.get(name).remove()


def _create(
    client: docker.DockerClient,
    name: str,
    image: str,
    doors: Sequence[Door],
    networks: Sequence[str],
    labels: Mapping[str, str],
) -> Container:
    made = client.containers.create(
        image,
        entrypoint=["haproxy", "-db", "-f", f"{FOLDER}/{CONFIG}"],
        command=[],
        name=name,
        labels=dict(labels),
        user=f"{EDGE_USER}:{EDGE_USER}",
        restart_policy={"Name": "always"},
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        dns=["127.0.0.1"],  # nobody outside is asked for the names of empty slots
        log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
        nano_cpus=2 * 10**9,
        mem_limit="256m",
        pids_limit=64,
        network=networks[0],
        ports={f"{door.port}/tcp": (door.host, door.port) for door in doors},
        volumes={name: {"bind": FOLDER, "mode": "rw"}},  # it belongs to root, and the edge is not
    )
    for network in networks[1:]:
        client.networks.get(network).connect(made)
    return made


def _has_map(container: Container) -> bool:
    try:
        container.get_archive(f"{FOLDER}/{MAP}")
    except NotFound:
        return False
    return True


def _put(container: Container, files: Mapping[str, str]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            content = text.encode()
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    container.put_archive(FOLDER, packed.getvalue())
