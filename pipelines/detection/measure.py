"""The measurement: each fault in turn, from its beginning to the delivered alert, and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import docker
import msgspec
from docker.models.containers import Container

from pipelines.detection import calm
from pipelines.detection.faults import Fault
from pipelines.detection.receiver import Receiver

LONGEST = 3.0  # times the bar, after which a fault counts as unnoticed
RECOVERY = 120.0  # seconds for the end of an alert to be told


class Noticed(msgspec.Struct, frozen=True):
    """Seconds from a fault to its delivered alert, and from its end to that of the alert.

    None is for what was not told of in time.
    """

    fault: str
    alert: str
    bar: float
    detected: float | None
    recovered: float | None

    @property
    def is_met(self) -> bool:
        """Whether it was noticed within its bar, and its end too."""
        return (
            self.detected is not None and self.detected <= self.bar and self.recovered is not None
        )


def measure(
    client: docker.DockerClient,
    containers: Mapping[str, Container],
    receiver: Receiver,
    faults: Sequence[Fault],
    disturbances: Callable[[], set[str]],
    on_begin: Callable[[Fault], None] = lambda fault: None,
) -> Iterator[Noticed]:
    """Yield what each fault came to. Raises `NotCalm` when `disturbances` do not end before one."""
    for fault in faults:
        calm.wait_for(disturbances)
        on_begin(fault)
        since, began = datetime.now(UTC), time.monotonic()
        with fault.present(client, containers):
            patience = fault.bar * LONGEST
            is_told = receiver.wait(fault.alert, "firing", patience, since=since)
            detected = time.monotonic() - began if is_told else None
            ended = time.monotonic()
        recovered = None
        if is_told and receiver.wait(fault.alert, "resolved", RECOVERY, since=since):
            recovered = time.monotonic() - ended
        yield Noticed(fault.name, fault.alert, fault.bar, detected, recovered)
