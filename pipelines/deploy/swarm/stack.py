"""One stack: brought up level by level, taken back whole when one service of it is, removed whole.

`docker stack deploy` knows no order, and exits 0 whatever becomes of the services; so every service
is asked about, and the file that was deployed last is kept to go back to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import docker
from docker.errors import NotFound
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.containers.client import words
from pipelines.deploy.docker.project import Document
from pipelines.deploy.swarm import services
from pipelines.deploy.swarm.services import STACK, Seen
from pipelines.errors import MachineError, SummitError
from pipelines.files import write_atomically
from pipelines.programs import process
from pipelines.stack.health import NotHealthy
from pipelines.stack.status import Status

_PAUSE = 0.1
_GONE = 60.0  # seconds for the tasks of a removed stack to end

OnChange = Callable[[Status], None]
Look = Callable[[Seen], Status]
Levels = Sequence[Collection[str]]  # the names of services, each after all it depends on


class StackFailed(MachineError):
    """`docker stack deploy` refuses the file."""

    def __init__(self, name: str, said: str) -> None:
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        super().__init__(f"cannot deploy the stack {name}: {last[0]}")


@dataclass(frozen=True)
class Stack:
    """A stack of the swarm that `host` manages; `file` has what of it was there last."""

    name: str
    file: Path
    host: str

    def services(self, client: docker.DockerClient) -> list[Seen]:
        return services.labelled(client, {STACK: self.name})

    def is_there(self, client: docker.DockerClient, document: Document) -> bool:
        """Whether all of it runs as this file says."""
        if not self.file.exists() or self.file.read_text() != _text(document):
            return False
        found = self.services(client)
        return {it.name for it in found} == document["services"].keys() and all(
            it.is_there for it in found
        )

    def deploy(self, document: Document, names: Collection[str]) -> None:
        """Have these services as the file says; the others stay as they are."""
        limited = {name: it for name, it in document["services"].items() if name in names}
        wanted = self.file.with_name(f"{self.name}.wanted.json")
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.touch(mode=0o600)  # it has variables in it
        write_atomically(wanted, _text({**document, "services": limited}))
        done = process.run(
            [
                *(*words(self.host), "stack", "deploy", "--detach=true", "--resolve-image=never"),
                *("--with-registry-auth", f"--compose-file={wanted}", self.name),
            ],
            cwd=wanted.parent,
            capture=True,
            echo=False,
        )
        wanted.unlink()
        if not done:
            raise StackFailed(self.name, done.output)

    def grow(
        self,
        client: docker.DockerClient,
        document: Document,
        levels: Levels,
        look: Look,
        *,
        timeout: float,
        on_change: OnChange,
    ) -> None:
        """Have it all as the file says, each service once those are ready that it depends on.

        Raises `NotHealthy`, after what there was of it was brought back whole.
        """
        try:
            for level in levels:
                self.deploy(document, level)
                self.wait(client, level, look, timeout=timeout, on_change=on_change)
        except (SummitError, KeyboardInterrupt, SystemExit):
            self.restore()
            raise
        self.file.touch(mode=0o600)
        write_atomically(self.file, _text(document))

    def restore(self) -> None:
        """Bring the whole stack back to the file that was deployed last, if there is one."""
        if self.file.exists():
            document = json.loads(self.file.read_text())
            self.deploy(document, document["services"])

    def wait(
        self,
        client: docker.DockerClient,
        names: Collection[str],
        look: Look,
        *,
        timeout: float,
        on_change: OnChange,
    ) -> None:
        """Return once all of these are ready. Raises `NotHealthy`, at once where one cannot be."""
        known: dict[str, Status] = {}

        def waiting() -> bool:
            for seen in self.services(client):
                status = look(seen)
                if seen.name in names and known.get(seen.name) != status:
                    known[seen.name] = status
                    on_change(status)
            if any(status.state.is_lost for status in known.values()):
                raise NotHealthy(list(known.values()))
            return known.keys() != set(names) or not all(it.is_ready for it in known.values())

        try:
            Retrying(
                retry=retry_if_result(bool), wait=wait_fixed(_PAUSE), stop=stop_after_delay(timeout)
            )(waiting)
        except RetryError:
            raise NotHealthy(list(known.values()), f" within {timeout:g} s") from None


def remove(client: docker.DockerClient, *stacks: Stack) -> None:
    """Remove all their services, and return once nothing of them runs."""
    removed = set()
    for stack in stacks:
        for service in client.services.list(filters={"label": f"{STACK}={stack.name}"}):
            removed.add(service.id)
            with suppress(NotFound):
                service.remove()
    Retrying(
        retry=retry_if_result(bool),
        wait=wait_fixed(_PAUSE),
        stop=stop_after_delay(_GONE),
        retry_error_callback=lambda _: None,
    )(_left, client, removed)
    for stack in stacks:
        stack.file.unlink(missing_ok=True)


def levels(needs: Mapping[str, Collection[str]]) -> Levels:
    """The names in the order of what they need, those together that need nothing of one another."""
    order = TopologicalSorter(needs)
    order.prepare()
    found = []
    while level := order.get_ready():
        found.append(level)
        order.done(*level)
    return found


def _left(client: docker.DockerClient, removed: Collection[str]) -> list[str]:
    return [it["ID"] for it in client.api.tasks() if it["ServiceID"] in removed]


def _text(document: Document) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
