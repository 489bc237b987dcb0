"""What a killed run left in the engine: found by labels that name its owner, and removed.

As Testcontainers' Ryuk does, without a container of its own that would have to be fetched.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import docker
import psutil
from docker.errors import APIError
from docker.models.containers import Container

OWNER = "summit.owner"  # the label: whose process it belongs to, as `host/pid/began`


def owner() -> str:
    """This process, by a name that no other has had."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"


def labels() -> dict[str, str]:
    """What to put on everything that this process makes and is not to outlive it."""
    return {OWNER: owner()}


def sweep(client: docker.DockerClient) -> int:
    """Remove what belongs to processes of this host that have ended; returns how much that was."""
    return sum(_removed(thing) for thing in _owned(client) if is_dead(_owner(thing)))


def of(client: docker.DockerClient, name: str) -> list[Any]:
    """What belongs to this owner: containers, then networks, then volumes."""
    return [thing for thing in _owned(client) if _owner(thing) == name]


def is_dead(name: str) -> bool:
    """Whether the owner is a process of this host that has ended."""
    host, _, rest = name.partition("/")
    pid, _, began = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != began
    except psutil.NoSuchProcess:
        return True


def _owned(client: docker.DockerClient) -> Iterator[Any]:
    labelled: dict[str, str | list[str] | bool] = {"label": OWNER}
    yield from client.containers.list(all=True, filters=labelled, ignore_removed=True)
    yield from client.networks.list(filters=labelled)
    yield from client.volumes.list(filters=labelled)


def _owner(thing: Any) -> str:
    # A network has no `labels` of its own in the library.
    attributes = thing.attrs
    found = attributes.get("Labels") or attributes.get("Config", {}).get("Labels") or {}
    return str(found.get(OWNER, ""))


def _removed(thing: Any) -> bool:
    with contextlib.suppress(APIError):  # another sweep was faster, or somebody still uses it
        if isinstance(thing, Container):
            thing.remove(force=True, v=True)
        else:
            thing.remove()
        return True
    return False
