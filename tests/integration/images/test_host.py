"""An engine that is started, and stopped: a second one, in a network namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.containers import leftovers
from pipelines.containers.host import PATIENCE
from pipelines.programs import family
from tests import unmeasured
from tests.integration.images.conftest import ROOT

Until = Callable[[Callable[[], object]], None]
pytestmark = pytest.mark.takes("root")
PLACE, PREFIX = Path("/tmp"), "engine-"
# `ip` brings up what the daemon finds its own address by.
ALONE = 'ip link set lo up && exec "$@"'
IN_A_NETWORK_OF_ITS_OWN = ("unshare", "--net", "sh", "-c", ALONE, "sh")


class Host:
    """A checkout on a machine whose engine does not run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.settings: dict[str, object] = {
            "hosts": [f"unix://{self.socket}"],
            "data-root": str(folder / "data"),
            "exec-root": str(folder / "exec"),
            "pidfile": str(folder / "docker.pid"),
            "bip": "10.213.77.1/24",
        }
        (folder / ".git").mkdir(exist_ok=True)

    @classmethod
    def of(cls, owner: str) -> Host:
        """A new one; its folder tells whose it is. The path of a socket has to be short."""
        return cls(Path(tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=PLACE)))

    def inv(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a task there."""
        return subprocess.run(
            [*IN_A_NETWORK_OF_ITS_OWN, sys.executable, "-m", "tasks", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        where = {"DOCKER_HOST": f"unix://{self.socket}", "PYTHONPATH": str(ROOT)}
        return {**os.environ, **where}

    @property
    def words(self) -> tuple[str, str]:
        """The task that starts its engine."""
        config = self.folder / "daemon.json"
        config.write_text(json.dumps(self.settings))
        return "engine.start", f"--config={config}"

    def start(self) -> subprocess.CompletedProcess[str]:
        return self.inv(*self.words)

    def processes(self) -> list[psutil.Process]:
        """The daemon and what it started: a path in this folder is among their words."""
        found = psutil.process_iter(["cmdline"])
        return [it for it in found if f"{self.folder}/" in " ".join(it.info["cmdline"] or [])]

    def remove(self) -> None:
        """End what runs there, and take the folder away with all that is mounted in it."""
        family.end(self.processes, grace=PATIENCE)
        mounted = [it.mountpoint for it in psutil.disk_partitions(all=True)]
        for place in sorted(mounted, reverse=True):
            if Path(place).is_relative_to(self.folder):
                subprocess.run(["umount", place], check=True)
        shutil.rmtree(self.folder)


def sweep() -> None:
    """Remove the engines of runs that were killed."""
    for folder in PLACE.glob(f"{PREFIX}*"):
        if leftovers.is_dead(folder.name.removeprefix(PREFIX).rpartition("-")[0]):
            Host(folder).remove()


@pytest.fixture
def host() -> Iterator[Host]:
    sweep()
    made = Host.of(leftovers.owner())
    yield made
    made.remove()


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
