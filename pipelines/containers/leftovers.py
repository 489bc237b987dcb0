"""What a killed run left in the engine: found by a mark that names its owner, and removed.

As Testcontainers' Ryuk does, without a container of its own that would have to be fetched. The mark
is a label, or the name of a Compose project, which all that Compose makes bears as a label.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import docker
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.images import Image

from pipelines.programs import identity

OWNER = "summit.owner"  # the label: whose process it belongs to
PREFIX = "summit-test"
_PROJECT = "com.docker.compose.project"
_NAME = re.compile(rf"{PREFIX}-(?P<owner>\w+-\w+-\d+-\d+)-\w+")


def owner(pid: int | None = None) -> str:
    """A process of this host, this one unless given, by a name that no other has had."""
    return f"{_host()}-{identity.of(os.getpid() if pid is None else pid)}"


def labels() -> dict[str, str]:
    """What to put on everything that this process makes and is not to outlive it."""
    return {OWNER: owner()}


def name() -> str:
    """A new name, for a Compose project for example, that tells whose it is."""
    return f"{PREFIX}-{owner()}-{uuid4().hex[:8]}"


def sweep(client: docker.DockerClient) -> int:
    """Remove what belongs to processes of this host that have ended; returns how much that was."""
    return sum(_removed(thing) for thing in _owned(client) if is_dead(_owner(thing)))


def clear(client: docker.DockerClient) -> int:
    """Remove what this process has made and has not removed; returns how much that was."""
    return sum(_removed(thing) for thing in of(client, owner()))


def of(client: docker.DockerClient, name: str) -> list[Any]:
    """What belongs to this owner: containers, then networks, volumes and images."""
    return [thing for thing in _owned(client) if _owner(thing) == name]


def is_dead(name: str) -> bool:
    """Whether the owner is a process of this host that has ended."""
    host, _, process = name.partition("-")
    pid = process.split("-")[1:2]
    return host == _host() and bool(pid) and identity.of(int(pid[0])) != process


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _owned(client: docker.DockerClient) -> Iterator[Any]:
    """All that may have an owner, as listed: nothing is looked up that another sweep removes."""
    yield from client.containers.list(all=True, sparse=True)
    yield from client.networks.list()
    yield from client.volumes.list()
    for listed in client.api.images(filters={"label": OWNER}):
        yield client.images.prepare_model(listed)


def _owner(thing: Any) -> str:
    labels = thing.attrs.get("Labels") or {}
    named = _NAME.fullmatch(labels.get(_PROJECT, ""))
    return named["owner"] if named else str(labels.get(OWNER, ""))


def _removed(thing: Any) -> bool:
    with contextlib.suppress(APIError):  # another sweep was faster, or somebody still uses it
        if isinstance(thing, Container):
            thing.remove(force=True, v=True)
        elif isinstance(thing, Image):
            thing.remove(force=True)
        else:
            thing.remove()
        return True
    return False
