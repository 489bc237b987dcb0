"""What a swarm says of a service is judged by every task of it, not by the word of an update."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.deploy.swarm.services import Seen
from pipelines.deploy.swarm.stack import levels
from pipelines.stack.status import State

OLD: dict[str, Any] = {"ContainerSpec": {"Image": "web@sha256:old"}}
NEW: dict[str, Any] = {"ContainerSpec": {"Image": "web@sha256:new", "Healthcheck": {}}}


def task(state: str, spec: dict[str, Any] = NEW, *, desired: str = "running", err: str = "") -> Any:
    return {
        "Spec": {**spec, "Runtime": "container"},
        "DesiredState": desired,
        "Status": {"State": state, "Err": err},
    }


def service(*tasks: Any, update: str = "", replicas: int = 1) -> Seen:
    spec = {"Mode": {"Replicated": {"Replicas": replicas}}, "TaskTemplate": NEW}
    return Seen("web", spec, {"State": update, "Message": "why"} if update else {}, tasks)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        pytest.param(service(), State.STARTING, id="nothing-yet"),
        pytest.param(service(task("starting")), State.STARTING, id="starting"),
        pytest.param(service(task("running")), State.HEALTHY, id="running"),
        pytest.param(service(task("running"), replicas=2), State.STARTING, id="one-of-two"),
        pytest.param(service(task("running", OLD)), State.STARTING, id="only-the-old-one"),
        pytest.param(
            service(task("running"), task("running", OLD)), State.STARTING, id="the-old-one-too"
        ),
        pytest.param(
            service(task("running"), task("shutdown", OLD, desired="shutdown")),
            State.HEALTHY,
            id="the-old-one-is-gone",
        ),
        pytest.param(service(task("running"), update="updating"), State.STARTING, id="updating"),
        pytest.param(
            service(task("running", OLD), update="rollback_completed"), State.FAILED, id="back"
        ),
        pytest.param(service(task("running"), update="paused"), State.FAILED, id="paused"),
        pytest.param(
            service(*[task("failed", desired="shutdown")] * 3), State.CRASH_LOOP, id="crash-loop"
        ),
        pytest.param(
            service(task("starting"), *[task("failed", OLD, desired="shutdown")] * 3),
            State.STARTING,
            id="the-old-one-had-crashed",
        ),
    ],
)
def test_a_service_is_well_when_all_that_runs_is_by_its_last_word(seen: Seen, state: State) -> None:
    assert seen.status.state is state


def test_a_service_without_a_health_check_runs_and_no_more_is_known() -> None:
    spec = {"Mode": {"Global": {}}, "TaskTemplate": OLD}

    assert Seen("web", spec, {}, [task("running", OLD)]).status.state is State.RUNNING


def test_an_update_that_went_back_says_why() -> None:
    seen = service(task("running", OLD), update="rollback_completed")

    assert seen.status.message == "rollback_completed: why"


@pytest.mark.parametrize(
    ("tasks", "state"),
    [
        pytest.param([], State.STARTING, id="nothing-yet"),
        pytest.param([task("running")], State.STARTING, id="running"),
        pytest.param([task("complete", desired="shutdown")], State.COMPLETED, id="done"),
        pytest.param([task("failed", desired="shutdown")], State.FAILED, id="failed"),
        pytest.param([task("rejected", desired="shutdown")], State.FAILED, id="rejected"),
    ],
)
def test_a_job_is_done_when_its_last_task_is_complete(tasks: list[Any], state: State) -> None:
    assert service(*tasks).outcome.state is state


def test_what_is_missing_of_a_service_is_said_with_its_last_failure() -> None:
    lost = task("failed", desired="shutdown", err="no space left")
    seen = service(task("running"), lost, replicas=2)

    assert seen.trouble == "1 of 2 do not run: no space left"


def test_the_digests_are_those_of_what_runs() -> None:
    seen = service(task("running", OLD), task("starting"))

    assert seen.digests == ["sha256:old"]


def test_a_service_comes_after_all_that_it_needs() -> None:
    found = levels({"web": ["store", "queue"], "store": [], "queue": ["store"]})

    assert [sorted(level) for level in found] == [["store"], ["queue"], ["web"]]
