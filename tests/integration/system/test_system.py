"""The whole stack in containers: healthy, locked down, whole, and honest when something breaks."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import docker
import httpx
import pytest
from docker.errors import APIError
from docker.models.containers import Container
from testcontainers.compose import DockerCompose

from tests.integration.system.conftest import HEALTHY, is_healthy, is_open, is_whole

Until = Callable[[Callable[[], object]], None]
# By its own hand: what is killed through the engine counts as stopped on purpose. The first process
# only waits for the service; it cannot be killed from within, and ends with it.
KILL_ALL_BUT_THE_FIRST = ["python", "-c", "import os, signal; os.kill(-1, signal.SIGKILL)"]


def container(system: DockerCompose, engine: docker.DockerClient, service: str) -> Container:
    return engine.containers.get(str(system.get_container(service).ID))


def services(system: DockerCompose) -> list[str]:
    return sorted(str(it.Service) for it in system.get_containers(include_all=True))


def is_said_to_be_away(gateway: str, service: str) -> bool:
    """Whether the public `/health` says so of this service, and that the system is not well."""
    answer = httpx.get(f"{gateway}/health", timeout=10)
    away = ("cannot be reached", "does not answer within 2 s")
    return answer.status_code == 503 and answer.json()["services"][service] in away


def tell_the_story(system: DockerCompose) -> None:
    """Run the smoke job as Compose does, after all that it depends on."""
    told = subprocess.run(
        [*system.compose_command_property, "--profile", "smoke", "run", "--rm", "-T", "smoke"],
        cwd=system.context,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert "incident.confirmed, mission.completed" in told.stdout


@pytest.mark.parametrize("service", HEALTHY)
def test_a_container_is_healthy_and_locked_down(
    system: DockerCompose, engine: docker.DockerClient, service: str, until: Until
) -> None:
    found = container(system, engine, service).attrs
    host = found["HostConfig"]

    until(lambda: _health(container(system, engine, service)) == "healthy")
    assert found["Config"]["User"].split(":")[0] not in ("", "0", "root")
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0


def _health(container: Container) -> str:
    return str(container.attrs["State"]["Health"]["Status"])


@pytest.mark.parametrize("service", HEALTHY)
def test_no_secret_is_in_a_container_s_environment_or_command(
    system: DockerCompose, engine: docker.DockerClient, service: str
) -> None:
    files = Path(system.context, ".summit/secrets").iterdir()
    values = [value for file in files if (value := file.read_text().strip())]
    found = container(system, engine, service).attrs
    told = repr((found["Config"]["Env"], found["Config"]["Cmd"], found["Args"]))

    assert len(values) > 10
    assert not [value for value in values if value in told]


def test_only_what_is_for_people_is_published_and_only_here(
    system: DockerCompose, engine: docker.DockerClient
) -> None:
    published = {
        name: {binding["HostIp"] for found in bindings.values() if found for binding in found}
        for name in services(system)
        if (bindings := _container(system, engine, name).attrs["NetworkSettings"]["Ports"])
    }

    # Prometheus by the profile that these tests add.
    assert {name for name, found in published.items() if found} == {
        *("api-gateway", "console"),
        "prometheus",
    }
    assert set().union(*published.values()) == {"127.0.0.1"}


def _container(system: DockerCompose, engine: docker.DockerClient, service: str) -> Container:
    return engine.containers.get(str(system.get_container(service, include_all=True).ID))


@pytest.mark.usefixtures("whole")  # Compose starts no job on what is not healthy yet
def test_the_smoke_job_tells_its_story(system: DockerCompose) -> None:
    tell_the_story(system)


def test_the_console_is_served(system: DockerCompose) -> None:
    port = system.get_service_port("console", 3000)

    answer = httpx.get(f"http://127.0.0.1:{port}/")
    assert answer.status_code == 200
    assert "Summit" in answer.text


@pytest.mark.usefixtures("whole")
def test_a_killed_service_is_said_to_be_away_and_comes_back(
    system: DockerCompose, engine: docker.DockerClient, gateway: str, until: Until
) -> None:
    fusion = container(system, engine, "fusion")

    def is_noticed() -> bool:
        """Kill it as often as it comes back: the engine lets it wait twice as long each time."""
        with contextlib.suppress(APIError):  # it does not run just now
            fusion.exec_run(KILL_ALL_BUT_THE_FIRST)
        return is_said_to_be_away(gateway, "fusion")

    until(is_noticed)

    until(lambda: is_whole(gateway))
    fusion.reload()
    assert fusion.attrs["RestartCount"] > 0
    assert fusion.status == "running"


@pytest.mark.usefixtures("whole")
def test_a_paused_database_is_answered_by_503_in_time(
    system: DockerCompose, engine: docker.DockerClient, gateway: str, until: Until
) -> None:
    database = container(system, engine, "postgres")
    database.pause()
    try:
        until(lambda: httpx.get(f"{gateway}/health", timeout=10).status_code == 503)
        answer = httpx.post(
            f"{gateway}/v1/tokens",
            json={"grant_type": "client_credentials", "client_id": "x", "client_secret": "y" * 40},
            timeout=20,
        )
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
    finally:
        database.unpause()


@pytest.mark.usefixtures("whole")
def test_a_killed_database_is_back_with_its_data(
    system: DockerCompose, engine: docker.DockerClient, gateway: str, secret: str, until: Until
) -> None:
    database = container(system, engine, "postgres")
    database.kill()
    until(lambda: httpx.get(f"{gateway}/health", timeout=10).status_code == 503)

    database.start()

    until(lambda: is_healthy(system) and is_open(gateway, secret))
    tell_the_story(system)


@pytest.mark.usefixtures("whole")
def test_a_service_whose_network_is_cut_is_said_to_be_away(
    system: DockerCompose, engine: docker.DockerClient, gateway: str, until: Until
) -> None:
    tasking = container(system, engine, "tasking")
    name = next(it for it in tasking.attrs["NetworkSettings"]["Networks"] if it.endswith("inside"))
    inside = engine.networks.get(name)
    inside.disconnect(tasking)
    try:
        until(lambda: httpx.get(f"{gateway}/health", timeout=10).status_code == 503)
        assert httpx.get(f"{gateway}/livez", timeout=5).status_code == 200
    finally:
        inside.connect(tasking, aliases=["tasking"])
