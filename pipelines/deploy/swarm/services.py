"""What a swarm says of the services of stacks, and whether an update of them went well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker

from pipelines.deploy.docker.project import PART
from pipelines.deploy.docker.running import SERVING
from pipelines.deploy.engine import Part
from pipelines.stack.status import State, Status

STACK = "com.docker.stack.namespace"  # the label that `docker stack` gives
_ENDED_BADLY = ("failed", "rejected", "orphaned", "shutdown", "remove")
_GIVEN_UP = 3  # failed tasks of one service: it is not going to be healthy
_TURNED = ("paused", "rollback_started", "rollback_paused", "rollback_completed")

Task = Mapping[str, Any]  # as the API has it: https://docs.docker.com/reference/api/engine/


@dataclass(frozen=True)
class Seen:
    """One service now, with its tasks, the newest first.

    A task that runs has passed its health check, where it has one.
    """

    name: str
    spec: Mapping[str, Any]
    update: Mapping[str, Any]
    tasks: Sequence[Task]

    @property
    def labels(self) -> Mapping[str, str]:
        return self.spec.get("Labels") or {}

    @property
    def stack(self) -> str:
        return self.labels.get(STACK, "")

    @property
    def wanted(self) -> int:
        """How many tasks there are to be."""
        mode = self.spec["Mode"]
        if "Replicated" in mode:
            return int(mode["Replicated"]["Replicas"])
        return sum(1 for it in self.tasks if it["DesiredState"] == "running")

    @property
    def running(self) -> Sequence[Task]:
        """The tasks that run, and are meant to, of whichever version of the service."""
        return [it for it in self.tasks if _runs(it)]

    @property
    def is_there(self) -> bool:
        """Whether all of it runs as its last word says, and no update is under way."""
        is_done = self.update.get("State") in (None, "completed")
        return is_done and len(self._ours(self.running)) >= self.wanted == len(self.running)

    @property
    def status(self) -> Status:
        """The service as a person is told of it, while it is being started."""
        if self.is_there:
            has_check = "Healthcheck" in self.spec["TaskTemplate"]["ContainerSpec"]
            return Status(self.name, State.HEALTHY if has_check else State.RUNNING)
        if self.update.get("State") in _TURNED:
            why = f"{self.update['State']}: {self.update.get('Message', '')}"
            return Status(self.name, State.FAILED, message=why)
        failures = self._failures
        message = _why(failures[0]) if failures else ""
        if len(failures) >= _GIVEN_UP:
            return Status(self.name, State.CRASH_LOOP, message=message)
        return Status(self.name, State.STARTING, message=message)

    @property
    def outcome(self) -> Status:
        """The same of a job, which is to end."""
        newest = self.tasks[0] if self.tasks else None
        state = newest["Status"]["State"] if newest else ""
        if state == "complete":
            return Status(self.name, State.COMPLETED)
        if newest and state in _ENDED_BADLY:
            return Status(self.name, State.FAILED, message=_why(newest))
        return Status(self.name, State.STARTING)

    @property
    def trouble(self) -> str:
        """What is wrong with a service that has been there; empty when all is well."""
        missing = self.wanted - len(self.running)
        if missing <= 0:
            return ""
        why = _why(self._failures[0]) if self._failures else "they are being started"
        return f"{missing} of {self.wanted} do not run: {why}"

    @property
    def digests(self) -> Sequence[str]:
        """Of what runs: each image was pulled by the digest in its name."""
        images = {it["Spec"]["ContainerSpec"]["Image"] for it in self.running}
        return sorted(it.rpartition("@")[2] for it in images)

    def addresses_on(self, network: str) -> frozenset[str]:
        """The addresses of what runs, on one network."""
        return frozenset(
            address.partition("/")[0]
            for task in self.running
            for it in task.get("NetworksAttachments") or ()
            if it["Network"]["Spec"]["Name"] == network
            for address in it["Addresses"]
        )

    @property
    def _failures(self) -> Sequence[Task]:
        """The tasks by the service's last word that ended badly by themselves."""
        return [it for it in self._ours(self.tasks) if it["Status"]["State"] in _ENDED_BADLY[:2]]

    def _ours(self, tasks: Sequence[Task]) -> Sequence[Task]:
        wanted = _template(self.spec["TaskTemplate"])
        return [it for it in tasks if _template(it["Spec"]) == wanted]


def labelled(client: docker.DockerClient, labels: Mapping[str, str]) -> list[Seen]:
    """The services that bear all these labels, by name as in the Compose file."""
    wanted = [f"{name}={value}" for name, value in labels.items()]
    services = client.api.services(filters={"label": wanted}, status=None)
    if not services:
        return []
    tasks: dict[str, list[Task]] = defaultdict(list)
    for task in client.api.tasks(filters={"service": [it["ID"] for it in services]}):
        tasks[task["ServiceID"]].append(task)
    return [
        Seen(
            name=_short(it["Spec"]),
            spec=it["Spec"],
            update=it.get("UpdateStatus") or {},
            tasks=sorted(tasks[it["ID"]], key=lambda task: str(task["CreatedAt"]), reverse=True),
        )
        for it in sorted(services, key=lambda it: str(it["Spec"]["Name"]))
    ]


def serving(services: Sequence[Seen]) -> list[Seen]:
    """Those that are to stay, without jobs."""
    return [it for it in services if it.labels.get(PART) == SERVING]


def parts(services: Sequence[Seen]) -> tuple[Part, ...]:
    """The services of a release as they run, each by what really runs."""
    return tuple(Part(it.name, ", ".join(it.digests), it.trouble) for it in serving(services))


def _short(spec: Mapping[str, Any]) -> str:
    stack = (spec.get("Labels") or {}).get(STACK, "")
    return str(spec["Name"]).removeprefix(f"{stack}_")


def _template(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a task is made by; only a service says by which runtime, of which there is one."""
    return {key: it for key, it in spec.items() if key != "Runtime"}


def _runs(task: Task) -> bool:
    return bool(task["DesiredState"] == task["Status"]["State"] == "running")


def _why(task: Task) -> str:
    status = task["Status"]
    return str(status.get("Err") or status.get("Message") or status["State"])
