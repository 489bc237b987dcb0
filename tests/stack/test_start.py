"""Starting containers by what the engine tells, in an order that a real engine rarely has."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from docker.errors import NotFound

from pipelines import compose
from pipelines.containers import EngineDown
from pipelines.stack.docker.project import SERVICE
from pipelines.stack.docker.start import Start
from pipelines.stack.health import NotHealthy
from pipelines.stack.status import State, Status

ENDED = {"Status": "exited", "Running": False, "ExitCode": 137}
RUNS = {"Status": "running", "Running": True, "ExitCode": 0}
TWO = """
services:
  near: {image: any, restart: always}
  far: {image: any, restart: always}
"""


class Told(queue.Queue[str | None]):
    """The engine's events, until they are closed."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        while (name := self.get()) is not None:
            yield {"Actor": {"Attributes": {SERVICE: name}}}

    def close(self) -> None:
        self.put(None)


@dataclass
class FakeEngine:
    """As much of the Docker SDK's client as starting takes; a container's id is its name."""

    states: dict[str, Mapping[str, Any]]
    told: Told = field(default_factory=Told)
    looked_at: queue.Queue[str] = field(default_factory=queue.Queue)

    @property
    def api(self) -> FakeEngine:
        return self

    def tell(self, name: str) -> None:
        """Tell of a container, and return when it has been looked at."""
        while not self.looked_at.empty():
            self.looked_at.get()
        self.told.put(name)
        while self.looked_at.get(timeout=30) != name:
            pass

    def events(self, **_: object) -> Told:
        return self.told

    def inspect_container(self, name: str) -> dict[str, Any]:
        self.looked_at.put(name)
        if name not in self.states:
            raise NotFound(f"No such container: {name}")
        once = "2026-01-02T03:04:05Z"
        state = {"Restarting": False, "Pid": 1, "StartedAt": once, "FinishedAt": once}
        return {
            "State": {**state, **self.states[name]},
            "RestartCount": 0,
            "NetworkSettings": {"Ports": {}},
        }


@dataclass(frozen=True)
class FakeContainer:
    id: str


Act = Callable[[FakeContainer], None]
Begin = Callable[[FakeEngine, Act], Start]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Starting these two by something that is done to each container."""
    file = tmp_path / "compose.yaml"
    file.write_text(TWO)
    services = compose.load(file, environ={}).services
    containers = {name: FakeContainer(name) for name in services}

    def made(engine: FakeEngine, act: Act) -> Start:
        return Start(cast(Any, engine), services, cast(Any, containers), act=cast(Any, act))

    return made


def test_the_end_that_a_container_had_last_time_may_be_told_while_it_is_started(
    begin: Begin,
) -> None:
    engine = FakeEngine({"near": RUNS, "far": ENDED})
    seen: list[Status] = []

    def act(container: FakeContainer) -> None:
        engine.told.put("far")
        engine.tell("near")  # told after it, and so looked at after it
        engine.states[container.id] = RUNS

    begin(engine, act).run("any", timeout=30, on_change=seen.append)

    assert [status.state for status in seen if status.name == "far"] == [
        State.WAITING,
        State.RUNNING,
    ]


def test_a_container_that_is_removed_while_others_are_waited_for_is_said(begin: Begin) -> None:
    engine = FakeEngine({"near": RUNS, "far": ENDED})

    def act(container: FakeContainer) -> None:
        engine.states = {container.id: RUNS}
        engine.tell("near")

    with pytest.raises(NotHealthy) as caught:
        begin(engine, act).run("any", timeout=30, on_change=lambda _: None)

    assert [(it.name, it.message) for it in caught.value.causes] == [("near", "removed")]


def test_a_container_that_is_gone_when_it_is_to_be_started_is_said(begin: Begin) -> None:
    engine = FakeEngine({"near": RUNS, "far": ENDED})

    def act(container: FakeContainer) -> None:
        raise NotFound(f"No such container: {container.id}")

    with pytest.raises(NotHealthy) as caught:
        begin(engine, act).run("any", timeout=30, on_change=lambda _: None)

    assert [(it.name, it.message) for it in caught.value.causes] == [("far", "removed")]


def test_an_engine_that_does_not_answer_a_start_is_not_waited_for(begin: Begin) -> None:
    engine = FakeEngine({"near": RUNS, "far": ENDED})

    def act(_container: FakeContainer) -> None:
        raise requests.ReadTimeout

    with pytest.raises(requests.ReadTimeout):
        begin(engine, act).run("any", timeout=30, on_change=lambda _: None)


def test_an_engine_that_has_ended_is_not_waited_for(begin: Begin) -> None:
    engine = FakeEngine({"near": RUNS, "far": ENDED})

    with pytest.raises(EngineDown, match="it has ended"):
        begin(engine, lambda _: engine.told.close()).run(
            "any", timeout=30, on_change=lambda _: None
        )
