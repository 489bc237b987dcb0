"""What Prometheus sees of the running stack, what Grafana would draw, and that alerts arrive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import docker
import httpx
import pytest
from tenacity import RetryError
from testcontainers.compose import DockerCompose

from pipelines.detection import calm
from pipelines.detection.faults import FAULTS, RULES, Fault
from pipelines.detection.measure import measure
from pipelines.detection.receiver import Receiver

Until = Callable[[Callable[[], object]], None]

ROOT = Path(__file__).parents[3]
DASHBOARDS = ROOT / "observability/grafana/dashboards"
SERVICES = ("api-gateway", "fabric", "fusion", "intelligence", "tasking")


def ask(prometheus: str, query: str) -> list[float]:
    """The values that there are now, without those that are no number."""
    answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=10)
    assert answer.status_code == 200, answer.text
    values = [float(row["value"][1]) for row in answer.json()["data"]["result"]]
    return [value for value in values if value == value]


def queries() -> Iterator[str]:
    """What the panels of all dashboards ask, for each service where one is chosen."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(file.read_text())
        of = SERVICES if dashboard["templating"]["list"] else ("",)
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield from (target["expr"].replace("$service", service) for service in of)


def test_everything_that_is_to_be_asked_answers(prometheus: str, until: Until) -> None:
    # The console; probes; PostgreSQL's exporter, Prometheus and Alertmanager.
    asked = len(SERVICES) + 1 + 4 + 3
    until(lambda: ask(prometheus, "count(up)") == [asked])
    until(lambda: ask(prometheus, "sum(up)") == [asked])
    until(lambda: ask(prometheus, "sum(probe_success)") == [4.0])
    until(lambda: ask(prometheus, "pg_up") == [1.0])


@pytest.mark.usefixtures("requested")
def test_every_panel_has_data(prometheus: str, until: Until) -> None:
    empty = dict.fromkeys(queries())
    assert len(empty) > 60

    def is_drawn() -> bool:
        for query in list(empty):
            if ask(prometheus, query):
                del empty[query]
        return not empty

    try:
        until(is_drawn)
    except RetryError as error:
        raise AssertionError("no data for:\n" + "\n".join(empty)) from error


@pytest.mark.usefixtures("requested")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.alert))
def test_a_fault_is_told_at_the_webhook_and_so_is_its_end(
    system: DockerCompose,
    engine: docker.DockerClient,
    prometheus: str,
    receiver: Receiver,
    fault: Fault,
) -> None:
    containers = {fault.service: engine.containers.get(str(system.get_container(fault.service).ID))}
    disturbances = partial(calm.disturbances, prometheus, RULES)
    [found] = measure(engine, containers, receiver, [fault], disturbances)

    assert found.detected is not None
    assert found.recovered is not None
