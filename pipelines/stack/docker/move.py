"""Published ports that are taken: others are used instead, by an override of the Compose file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from docker.models.containers import Container

from pipelines.compose.model import Port, Service
from pipelines.files import write_atomically
from pipelines.stack import ports

_HEADER = "# Written by `inv up`: ports that others hold are replaced.\n"


class _Replaced(list[str]):
    """A list that takes the place of the one it overrides, instead of being added to it."""


class _Dumper(yaml.SafeDumper):
    """Knows Compose's `!override`."""


_Dumper.add_representer(
    _Replaced, lambda dumper, words: dumper.represent_sequence("!override", list(words))
)


def write(file: Path, services: Mapping[str, Service], containers: Mapping[str, Container]) -> None:
    """Write the override for those of the services whose usual port is taken by somebody else.

    Without any there is none. A service that runs keeps the port that it has.
    """
    moved = {
        name: {"ports": _Replaced(_written(port, number) for port, number in chosen)}
        for name, service in services.items()
        if (chosen := list(_chosen(service, containers.get(name))))
        and any(port.published != number for port, number in chosen)
    }
    if not moved:
        file.unlink(missing_ok=True)
        return
    write_atomically(file, _HEADER + yaml.dump({"services": moved}, Dumper=_Dumper))


def _chosen(service: Service, container: Container | None) -> Iterator[tuple[Port, int]]:
    held = _held(container)
    for port in service.ports:
        if port.published is None:
            continue
        if port.target in held:
            yield port, held[port.target]
        else:
            yield port, port.published if ports.is_free(port.published) else ports.any_free()


def _held(container: Container | None) -> dict[int, int]:
    """Which port of this machine leads to which of the running container."""
    if container is None or container.status != "running":
        return {}
    return {
        int(inner.partition("/")[0]): int(found[0]["HostPort"])
        for inner, found in container.ports.items()
        if found
    }


def _written(port: Port, number: int) -> str:
    address = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    return f"{address}:{number}:{port.target}/{port.protocol}".removeprefix(":")
