"""What a run that was killed leaves in the engine is gone after the next command."""

from __future__ import annotations

import signal
import subprocess
import sys

import docker

from pipelines.containers import leftovers
from pipelines.images import bases

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


def test_nothing_is_left_of_a_killed_run_and_all_of_one_that_lives(
    engine: docker.DockerClient,
) -> None:
    image = bases.standing_in(engine).get("python", "python:3.13-slim-trixie")
    for is_killed in (False, True):
        with subprocess.Popen(
            [sys.executable, "-c", MAKES, image, f"summit-test-{is_killed}".lower()],
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


def test_whoever_lives_elsewhere_is_not_taken_for_dead() -> None:
    assert not leftovers.is_dead(leftovers.owner())
    assert not leftovers.is_dead("another-host/1/2.00")
    assert leftovers.is_dead(leftovers.owner().rpartition("/")[0] + "/1.00")
