"""What can be made to fail in a stack of containers, and how it is ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import docker
from docker.errors import APIError
from docker.models.containers import Container

from pipelines.detection.undo import undone
from pipelines.errors import SummitError

FILE = "/tmp/faults.json"  # noqa: S108 - in the container, in memory; see `services.kit.drill`
WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


@dataclass(frozen=True)
class Fault:
    """A fault in one service, the alert that it must raise, and within how many seconds."""

    name: str
    service: str
    alert: str
    bar: float
    begin: Callable[[docker.DockerClient, Container], None]
    end: Callable[[docker.DockerClient, Container], None]

    @property
    def rule(self) -> str:
        """The name of the rule whose alert it is."""
        return self.alert.partition("/")[0]

    @contextmanager
    def present(
        self, client: docker.DockerClient, containers: Mapping[str, Container]
    ) -> Iterator[None]:
        """Have the fault for as long as the context lasts, however it ends.

        Raises `SummitError` for what the engine refuses to do.
        """
        container = containers[self.service]

        def end() -> None:
            with self._refusal_told("end"):
                self.end(client, container)

        with undone(end):
            with self._refusal_told("begin"):
                self.begin(client, container)
            yield

    @contextmanager
    def _refusal_told(self, what: str) -> Iterator[None]:
        try:
            yield
        except APIError as error:
            raise SummitError(
                f"the fault {self.name!r} does not {what} in {self.service}:"
                f" {error.explanation or error}"
            ) from error


def _told(**faults: float) -> Callable[[docker.DockerClient, Container], None]:
    def tell(_client: docker.DockerClient, container: Container) -> None:
        code, output = container.exec_run(["python", "-c", WRITE, FILE, json.dumps(faults)])
        if code:
            raise SummitError(f"cannot write {FILE} in {container.name}: {output!r}")

    return tell


def _kill(_client: docker.DockerClient, container: Container) -> None:
    container.kill()


def _start(_client: docker.DockerClient, container: Container) -> None:
    container.start()


def _cut(client: docker.DockerClient, container: Container) -> None:
    for name in container.attrs["NetworkSettings"]["Networks"]:
        client.networks.get(name).disconnect(container)


def _join(client: docker.DockerClient, container: Container) -> None:
    service = container.labels["com.docker.compose.service"]
    for name in container.attrs["NetworkSettings"]["Networks"]:
        network = client.networks.get(name)
        if container.id not in {it.id for it in network.containers}:
            network.connect(container, aliases=[service])


FAULTS = (
    Fault("a service is killed", "fusion", "ServiceDown/fusion", 5, _kill, _start),
    Fault(
        "5 % of requests fail",
        "fusion",
        "ErrorRatio/fusion",
        20,
        _told(error_ratio=0.05),
        _told(),
    ),
    Fault(
        "a service is a second slower",
        "intelligence",
        "Latency/intelligence",
        20,
        _told(delay_seconds=1.0),
        _told(),
    ),
    Fault("the database is cut off", "postgres", "DatabaseDown", 5, _cut, _join),
    Fault(
        "events are not taken",
        "intelligence",
        "OutboxGrowing/fusion",
        30,
        _told(error_ratio=1.0),
        _told(),
    ),
)
RULES = frozenset(fault.rule for fault in FAULTS)
