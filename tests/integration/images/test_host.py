"""An engine that is started, and stopped: a second one, in a network namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from pipelines.containers import leftovers
from tests import unmeasured
from tests.integration.images.host import IN_A_NETWORK_OF_ITS_OWN, Host, sweep

Until = Callable[[Callable[[], object]], None]
pytestmark = pytest.mark.takes("root")


def test_an_engine_is_started_once_and_outlives_the_command(host: Host) -> None:
    first = host.start()
    assert first.returncode == 0, first.stderr
    assert f"at unix://{host.socket}; its log is " in first.stderr.splitlines()[-1]

    second = host.start()
    assert second.returncode == 0
    assert second.stderr.startswith("an engine answers already: docker ")

    stopped = host.inv("engine.stop")
    assert (stopped.returncode, stopped.stderr) == (0, "the engine has ended\n")
    assert host.inv("engine.stop").stderr == "no engine was started from here\n"


def test_an_engine_that_cannot_start_is_one_line(host: Host) -> None:
    host.settings["storage-driver"] = "nonsense"

    outcome = host.start()

    assert outcome.returncode == 5
    last = outcome.stderr.splitlines()[-1]
    assert last.startswith("error: dockerd ended with exit code 1: ")
    assert "nonsense" in last


def test_an_engine_whose_start_was_killed_can_still_be_stopped(host: Host, until: Until) -> None:
    words = [*IN_A_NETWORK_OF_ITS_OWN, sys.executable, "-m", "tasks", *host.words]
    environment = unmeasured.environment(host.environment)
    with subprocess.Popen(words, cwd=host.folder, env=environment, stderr=-3) as starting:
        until((host.folder / ".summit/engine.json").exists)
        starting.kill()

    assert host.inv("engine.stop").stderr == "the engine has ended\n"
    assert host.processes() == []


def test_nothing_is_left_of_the_engine_of_a_killed_run() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as run:
        host = Host.of(leftovers.owner(run.pid))
        try:
            assert host.start().returncode == 0
            sweep()
            assert host.processes()
            run.kill()
            run.wait()
            sweep()
            assert host.processes() == []
            assert not host.folder.exists()
        finally:
            if host.folder.exists():
                host.remove()
