"""What only a swarm decides: stacks that are taken back whole, and machines that are lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tenacity import Retrying, retry_if_not_result, stop_after_delay, wait_fixed

from pipelines.deploy.machine import TakenBack
from tests.deploy.behaviour import said
from tests.integration.swarm.conftest import Machine, Stacks, Swarm
from tests.traffic import flowing

SETTLED = 60.0  # seconds for a swarm to see that a machine is lost, or back
pytestmark = pytest.mark.takes("root")


def until(condition: object) -> None:
    Retrying(retry=retry_if_not_result(bool), wait=wait_fixed(0.2), stop=stop_after_delay(SETTLED))(
        condition
    )  # type: ignore[call-overload]


def test_a_release_that_is_never_healthy_is_removed_whole(serving: Stacks, swarm: Swarm) -> None:
    before, names = serving.engine.running(), swarm.names()

    with flowing(serving.url + "/") as seen:
        seen.until_said("good")
        with pytest.raises(TakenBack, match=r"not healthy: web"):
            serving.deploy(serving.release("bad", "is never ready"))

    assert set(seen.bodies) == {"good"}
    assert seen.failed == []
    assert (serving.engine.running(), swarm.names()) == (before, names)


def test_a_job_that_fails_says_why_and_the_release_gets_no_traffic(serving: Stacks) -> None:
    with pytest.raises(TakenBack, match=r"smoke.*it is not the right one"):
        serving.deploy(serving.release("wrong"))

    assert said(serving) == "good"


def test_an_update_that_fails_takes_the_whole_stack_back(serving: Stacks, swarm: Swarm) -> None:
    """`web` would listen elsewhere, which its health check sees; `beside` is well with its part."""
    [release] = [it for it in serving.releases.values() if it.id == serving.engine.serving()]
    file = serving.root / "environments/staging.yaml"
    file.write_text(serving.environment(PORT="9000", NOTE="new"))
    try:
        with flowing(serving.url + "/") as seen:
            seen.until_said("good")
            with pytest.raises(TakenBack, match="not healthy: web"):
                serving.deploy(release)
    finally:
        file.write_text(serving.environment())

    assert set(seen.bodies) == {"good"}
    until(lambda: not serving.engine.ailing(release.id))
    assert variable(swarm, "web", "PORT") == "8000"
    assert variable(swarm, "beside", "NOTE") == "old"
    assert said(serving) == "good"


def variable(swarm: Swarm, service: str, name: str) -> str:
    """Of the environment that a service has by the swarm's last word."""
    [found] = [it for it in swarm.names() if it.endswith(f"_{service}")]
    [told] = json.loads(swarm.manager.docker("service", "inspect", found))
    container = told["Spec"]["TaskTemplate"]["ContainerSpec"]
    return dict(it.split("=", 1) for it in container["Env"])[name]


def test_what_a_lost_machine_ran_runs_elsewhere(serving: Stacks, swarm: Swarm) -> None:
    release = serving.engine.serving()
    lost = swarm.machines[-1]

    with cut_off(lost, swarm):
        until(lambda: state(swarm, lost) == "down" and not serving.engine.ailing(release))
        with flowing(serving.url + "/") as seen:
            seen.until(1000)

    assert seen.failed == []
    assert set(seen.bodies) == {"good"}


@contextmanager
def cut_off(machine: Machine, swarm: Swarm) -> Iterator[None]:
    """Nobody reaches the machine, nor it anybody."""
    link = ["ip", "-netns", machine.namespace, "link", "set", "eth0"]
    subprocess.run([*link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run([*link, "up"], check=True)
        until(lambda: state(swarm, machine) == "ready")


def state(swarm: Swarm, machine: Machine) -> str:
    nodes = swarm.manager.docker("node", "ls", "--format={{.ID}}").splitlines()
    for told in json.loads(swarm.manager.docker("node", "inspect", *nodes)):
        if told["Status"]["Addr"] == machine.address:
            return str(told["Status"]["State"])
    raise AssertionError(f"no node at {machine.address}")


def test_a_secret_is_a_file_in_memory_of_its_reader_alone(serving: Stacks, swarm: Swarm) -> None:
    [service] = [it for it in swarm.names() if it.endswith("_web")]
    [told] = json.loads(swarm.manager.docker("service", "inspect", service))
    [granted] = told["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"]

    assert said(serving, "/secret") == str(len("known to nobody"))
    assert granted["File"] == {"Name": "token", "UID": "10001", "GID": "10001", "Mode": 0o400}
    assert "known to nobody" not in json.dumps(told)
