"""Starts containers in the order of their dependencies, each at the moment it can be.

`docker compose up` looks every half second whether a dependency is healthy; the engine tells of it
at once to who listens to its events.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from pipelines.compose.model import Condition, Dependency, Service
from pipelines.containers.client import ended
from pipelines.stack.docker import states
from pipelines.stack.docker.project import PROJECT, SERVICE
from pipelines.stack.engine import OnChange
from pipelines.stack.health import NotHealthy
from pipelines.stack.status import State, Status

LAST_WORDS = 0.3  # seconds for the others to fail too once one is lost: one cause, one report
AT_ONCE = 8  # containers that are being started
TOLD = ["start", "die", "health_status", "oom", "pause", "unpause", "destroy"]
Act = Callable[[Container], None]
News = queue.Queue[Status | str | Exception]  # a status, whose container has changed, what failed


@dataclass
class Start:
    """One round of starting: which containers, and what is known of each."""

    client: docker.DockerClient
    services: Mapping[str, Service]
    containers: Mapping[str, Container]
    act: Act = Container.start
    known: dict[str, Status] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)  # to start, or blocked: not to be asked again
    begun: set[str] = field(default_factory=set)  # what is told of these is of this round

    def run(self, project: str, *, timeout: float, on_change: OnChange) -> None:
        """Start what is to be started and return once all are ready.

        Raises `NotHealthy` after `timeout` seconds, or as soon as one cannot become ready, and what
        the client raises for an engine that has ended.
        """
        deadline = time.monotonic() + timeout
        news: News = queue.Queue()
        with _told(self.client, project, news), ThreadPoolExecutor(AT_ONCE) as starters:
            for name in self.services:
                self._note(self._look(name), on_change)
            while not self._is_done():
                for name in self._startable(on_change):
                    starters.submit(self._begin, name, news)
                if any(status.state.is_lost for status in self.known.values()):
                    deadline = min(deadline, time.monotonic() + LAST_WORDS)
                try:
                    told = news.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    raise self._not_healthy(timeout) from None
                if isinstance(told, Exception):
                    raise told
                if isinstance(told, Status):
                    self._note(told, on_change)
                elif told in self.begun:
                    self._note(self._look(told), on_change)

    def _is_done(self) -> bool:
        return all(status.is_ready and (name in self.begun) for name, status in self.known.items())

    def _look(self, name: str) -> Status:
        """The status now; what runs well needs no start, and a job is to run again."""
        service = self.services[name]
        try:
            inspected = self.client.api.inspect_container(str(self.containers[name].id))
        except NotFound:
            return _removed(name)
        status = states.status(service, inspected, now=time.time())
        is_running = inspected["State"]["Running"] or inspected["State"]["Restarting"]
        if name not in self.begun and not is_running:
            return replace(status, state=State.WAITING, message="", answer="")
        self.asked.add(name)
        self.begun.add(name)
        return status

    def _note(self, status: Status, on_change: OnChange) -> None:
        before = self.known.get(status.name)
        if before and before.state.is_lost and not status.is_ready:
            return  # kept as it was then: one in a crash loop starts again
        self.known[status.name] = status
        on_change(status)

    def _startable(self, on_change: OnChange) -> Iterator[str]:
        for name, service in self.services.items():
            if name in self.asked:
                continue
            lost = [d for d in service.depends_on if self.known[d.service].state.is_lost]
            if lost:
                self.asked.add(name)
                self._note(_blocked(self.known[name], lost[0]), on_change)
            elif all(self._holds(dependency) for dependency in service.depends_on):
                self.asked.add(name)
                yield name

    def _holds(self, dependency: Dependency) -> bool:
        status = self.known[dependency.service]
        if dependency.service not in self.begun:
            return False
        match dependency.condition:
            case Condition.HEALTHY:
                return status.state is State.HEALTHY and status.steady
            case Condition.COMPLETED:
                return status.state is State.COMPLETED
        return status.state.is_up or status.state is State.STARTING

    def _begin(self, name: str, news: News) -> None:
        try:
            self.act(self.containers[name])
            # Not before: the engine may still tell of the end that the container had last time.
            self.begun.add(name)
            news.put(name)
        except NotFound:
            news.put(_removed(name))
        except APIError as error:
            news.put(Status(name, State.FAILED, since=time.time(), message=said(error)))
        except Exception as error:
            news.put(error)  # for the thread that waits: nobody sees what is raised in this one

    def _not_healthy(self, timeout: float) -> NotHealthy:
        missing = [status for status in self.known.values() if not status.is_ready]
        is_lost = any(status.state.is_lost for status in missing)
        return NotHealthy(missing, "" if is_lost else f" after {timeout:g} s")


def said(error: APIError) -> str:
    """Why the engine refuses, in its own words."""
    return str(error.explanation or error).strip().splitlines()[-1]


def _removed(name: str) -> Status:
    """Of a container that something else has taken away, such as a `down`."""
    return Status(name, State.FAILED, since=time.time(), message="removed")


def _blocked(status: Status, by: Dependency) -> Status:
    return replace(status, state=State.FAILED, message=f"needs {by.service}", is_blocked=True)


@contextmanager
def _told(client: docker.DockerClient, project: str, news: News) -> Iterator[None]:
    """Put the name of each service into `news` when its container is another than before."""
    filters = {"type": "container", "label": f"{PROJECT}={project}", "event": TOLD}
    events = client.events(filters=filters, decode=True)

    def listen() -> None:
        try:
            for event in events:
                news.put(event["Actor"]["Attributes"][SERVICE])
            news.put(ended())  # which nobody reads when it was us who closed it
        except Exception as error:
            news.put(error)

    listener = threading.Thread(target=listen, name="events", daemon=True)
    listener.start()
    try:
        yield
    finally:
        with suppress(OSError):  # the engine has closed it
            events.close()
        listener.join()
