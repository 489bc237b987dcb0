"""An engine that is started, and stopped: a second one, in a network namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.images.conftest import ROOT


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
        (folder / ".git").mkdir()

    def inv(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a task there. `ip` brings up what the daemon finds its own address by."""
        script = 'ip link set lo up && exec "$@"'
        command = ["unshare", "--net", "sh", "-c", script, "sh", sys.executable, "-m", "tasks"]
        env = {
            **os.environ,
            "DOCKER_HOST": f"unix://{self.socket}",
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.run(
            [*command, *words],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self) -> subprocess.CompletedProcess[str]:
        config = self.folder / "daemon.json"
        config.write_text(json.dumps(self.settings))
        return self.inv("engine.start", f"--config={config}")


@pytest.fixture
def host() -> Iterator[Host]:
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder:
        made = Host(Path(folder))
        yield made
        made.inv("engine.stop")
        subprocess.run(["sh", "-c", f"umount {folder}/exec/netns/* {folder}/data/*"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


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
