"""What the engine says of the containers of releases, and in which slot each release is."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import docker
from docker.models.containers import Container

from pipelines.compose.model import Restart, RestartPolicy, Service
from pipelines.deploy.docker import images
from pipelines.deploy.docker.haproxy import SLOTS
from pipelines.deploy.docker.project import PART, RELEASE, SLOT
from pipelines.deploy.engine import Part
from pipelines.errors import MachineError, Where
from pipelines.stack.docker import states
from pipelines.stack.docker.project import PROJECT, SERVICE
from pipelines.stack.status import State

JOB, SERVING, SMOKE = "job", "serving", "smoke"  # parts of a release; the second is to stay
EDGE = "edge"  # a part of what outlives releases
_STAYS = Restart(RestartPolicy.ALWAYS)  # so that an end is told as one, whatever the policy


def by_release(containers: Iterable[Container]) -> Mapping[str, Sequence[Container]]:
    found: dict[str, list[Container]] = defaultdict(list)
    for container in containers:
        if release := container.labels.get(RELEASE):
            found[release].append(container)
    return found


def edge(containers: Iterable[Container]) -> Container | None:
    return next((it for it in containers if it.labels.get(PART) == EDGE), None)


def project(container: Container) -> str:
    return str(container.labels[PROJECT])


def parts(client: docker.DockerClient, containers: Iterable[Container]) -> tuple[Part, ...]:
    """The services of a release as they run, each by the digest of what really runs."""
    return tuple(
        Part(
            it.labels[SERVICE],
            images.digest_of(client, it.attrs["Image"], it.attrs["Config"]["Image"]),
            trouble(it),
        )
        for it in sorted(containers, key=lambda it: str(it.labels[SERVICE]))
        if it.labels[PART] == SERVING
    )


def is_up(containers: Iterable[Container]) -> bool:
    """Whether some service of a release was started."""
    return any(
        it.labels[PART] == SERVING and it.status not in ("created", "exited") for it in containers
    )


def trouble(container: Container) -> str:
    """What is wrong with a container that is meant to stay; nothing while it is still starting."""
    name = container.labels[SERVICE]
    service = Service(name, Where(Path()), restart=_STAYS)
    status = states.status(service, container.attrs, now=time.time())
    if status.is_ready or status.state is State.STARTING:
        return ""
    return status.message or status.answer or status.state.value


def slots(containers: Iterable[Container]) -> dict[str, str]:
    """The slot of each release that has one."""
    return {it.labels[RELEASE]: it.labels[SLOT] for it in containers if SLOT in it.labels}


def free(taken: Iterable[str]) -> str:
    """A slot that nobody has. Raises `MachineError`."""
    left = [slot for slot in SLOTS if slot not in set(taken)]
    if not left:
        raise MachineError(
            f"{len(SLOTS)} releases run already, and more are never needed",
            hint="`inv status` shows them; a deploy that ends stops all but two",
        )
    return left[0]
