"""What a run that was killed leaves in the engine is gone after the next command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import docker

from pipelines.containers import leftovers
from tests import unmeasured
from tests.integration.base import ROOT, image_of

MAKES = """
import sys, time
from pipelines.containers import connect, leftovers
with connect() as client:
    labels = leftovers.labels()
    client.networks.create(sys.argv[2], labels=labels)
    client.volumes.create(sys.argv[2], labels=labels)
    client.containers.run(sys.argv[1], ["sleep", "1000"], labels=labels, detach=True)
    print(leftovers.owner(), flush=True)
    time.sleep(1000)
"""
STACK = "tests/integration/stack/test_behaviour.py"
# Its container runs for seconds, unless somebody kills the run.
WAITS = f"{STACK}::test_a_service_that_never_gets_healthy_is_given_its_time"
HARMLESS = f"{Path(__file__)}::test_whoever_lives_elsewhere_is_not_taken_for_dead"


def test_nothing_is_left_of_a_killed_run_and_all_of_one_that_lives(
    engine: docker.DockerClient,
) -> None:
    image = image_of(engine, "python")
    for is_killed in (False, True):
        with subprocess.Popen(
            [sys.executable, "-c", MAKES, image, f"summit-test-{uuid4().hex}"],
            stdout=subprocess.PIPE,
            text=True,
        ) as run:
            assert run.stdout is not None
            owner = run.stdout.readline().strip()
            if is_killed:
                run.send_signal(signal.SIGKILL)
                run.wait()
            leftovers.sweep(engine)
            assert len(leftovers.of(engine, owner)) == (0 if is_killed else 3)
            run.kill()
    leftovers.sweep(engine)


def run_of(test: str) -> subprocess.Popen[bytes]:
    """Run it in a process group of its own, which is killed as a whole."""
    words = [sys.executable, "-m", "pytest", "-n0", "--quiet", test]
    environment = unmeasured.environment()
    return subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )


def test_the_next_run_of_the_tests_removes_what_one_left_that_was_killed(
    engine: docker.DockerClient,
) -> None:
    began = {"type": "container", "event": "start"}
    events = engine.events(filters=began, decode=True)
    with run_of(WAITS) as run:
        owner = leftovers.owner(run.pid)
        next(event for event in events if owner in str(event["Actor"]["Attributes"]))
        made = {type(thing).__name__ for thing in leftovers.of(engine, owner)}
        os.killpg(run.pid, signal.SIGKILL)
    events.close()
    assert made == {"Container", "Network", "Image"}

    with run_of(HARMLESS) as following:
        assert following.wait() == 0
    assert leftovers.of(engine, owner) == []
    assert owner not in str(named(engine))


def named(engine: docker.DockerClient) -> list[object]:
    """All names in the engine."""
    api = engine.api
    listed = [*api.containers(all=True), *api.networks(), *api.volumes()["Volumes"], *api.images()]
    return [it.get("Names") or it.get("RepoTags") or it.get("Name") for it in listed]


def test_whoever_lives_elsewhere_is_not_taken_for_dead() -> None:
    host, _, process = leftovers.owner().partition("-")
    boot, pid, ticks = process.split("-")

    assert not leftovers.is_dead(leftovers.owner())
    assert not leftovers.is_dead(f"another-{boot}-{pid}-1")
    assert not leftovers.is_dead("")
    assert leftovers.is_dead(f"{host}-{boot}-{pid}-1")
    assert leftovers.is_dead(f"{host}-before-{pid}-{ticks}")
