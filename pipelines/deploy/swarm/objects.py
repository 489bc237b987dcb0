"""What stacks refer to: networks, secrets and configs. They are there before a stack, and are
removed once no service refers to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import docker
from docker.errors import APIError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.deploy.swarm.grants import Grants
from pipelines.errors import MachineError

_LEAVES = 30.0  # seconds for what has ended to let go of it, on whichever node
_PAUSE = 0.1


def make(client: docker.DockerClient, grants: Grants, labels: Mapping[str, str]) -> None:
    """Have everything that is granted; what is there has its content already."""
    for kept, values in ((client.secrets, grants.values), (client.configs, grants.files)):
        there = {str(it.name) for it in _ours(kept, labels)}
        for name in sorted(values.keys() - there):
            kept.create(name=name, data=values[name], labels=dict(labels))


def network(
    client: docker.DockerClient,
    name: str,
    labels: Mapping[str, str],
    *,
    driver: str = "overlay",
    **more: Any,
) -> None:
    """Have a network of this name."""
    if not client.networks.list(names=[name], filters={"label": _filter(labels)}):
        client.networks.create(name, driver=driver, labels=dict(labels), **more)


def remove_networks(client: docker.DockerClient, labels: Mapping[str, str]) -> None:
    """Remove those with these labels, once nobody is in them any more."""
    _until_gone(lambda: client.networks.list(filters={"label": _filter(labels)}))


def remove_volumes(client: docker.DockerClient, labels: Mapping[str, str]) -> None:
    """Delete the data with these labels that the manager's machine has."""
    _until_gone(lambda: client.volumes.list(filters={"label": _filter(labels)}))


def remove_unused(client: docker.DockerClient, labels: Mapping[str, str]) -> None:
    """Remove the secrets and configs with these labels that no service refers to."""
    used = set(_used(client.api.services()))
    for kept in (client.secrets, client.configs):
        for it in _ours(kept, labels):
            if it.id not in used:
                it.remove()


def _until_gone(there: Callable[[], Sequence[Any]]) -> None:
    """Remove what is there until nothing is: what has ended holds it for a moment more."""

    def left() -> Sequence[Any]:
        for it in there():
            with suppress(APIError):
                it.remove()
        return there()

    def give_up(_: object) -> None:
        names = ", ".join(str(it.name) for it in there())
        raise MachineError(f"the swarm does not let go of {names}", hint="`inv undeploy` again")

    Retrying(
        retry=retry_if_result(bool),
        wait=wait_fixed(_PAUSE),
        stop=stop_after_delay(_LEAVES),
        retry_error_callback=give_up,
    )(left)


def _ours(kept: Any, labels: Mapping[str, str]) -> Iterable[Any]:
    found: Iterable[Any] = kept.list(filters={"label": _filter(labels)})
    return found


def _used(services: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for service in services:
        specs = [service["Spec"]]
        if (service.get("UpdateStatus") or {}).get("State") != "completed":
            specs.append(service.get("PreviousSpec") or {})  # it may have to go back to it
        for spec in specs:
            container = spec.get("TaskTemplate", {}).get("ContainerSpec", {})
            yield from (it["SecretID"] for it in container.get("Secrets") or ())
            yield from (it["ConfigID"] for it in container.get("Configs") or ())


def _filter(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]
