"""Starting containers by what the engine tells, in an order that a real engine rarely has."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pipelines import compose
from pipelines.stack.docker.project import SERVICE
from pipelines.stack.docker.start import Start
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

    def events(self, **_: object) -> Told:
        return self.told

    def inspect_container(self, name: str) -> dict[str, Any]:
        self.looked_at.put(name)
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


def test_the_end_that_a_container_had_last_time_may_be_told_while_it_is_started(
    tmp_path: Path,
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(TWO)
    services = compose.load(file, environ={}).services
    engine = FakeEngine({"near": RUNS, "far": ENDED})
    seen: list[Status] = []

    def act(container: FakeContainer) -> None:
        while not engine.looked_at.empty():
            engine.looked_at.get()
        engine.told.put("far")
        engine.told.put("near")  # told after it, and so looked at after it
        while engine.looked_at.get(timeout=30) != "near":
            pass
        engine.states[container.id] = RUNS

    start = Start(
        cast(Any, engine),
        services,
        cast(Any, {name: FakeContainer(name) for name in services}),
        act=cast(Any, act),
    )
    start.run("any", timeout=30, on_change=seen.append)

    assert [status.state for status in seen if status.name == "far"] == [
        State.WAITING,
        State.RUNNING,
    ]
