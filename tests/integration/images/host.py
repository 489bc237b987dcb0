"""A machine of its own for a second engine, as far as one kernel has two: a network namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from pipelines.containers import leftovers
from pipelines.containers.host import PATIENCE
from pipelines.programs import family

ROOT = Path(__file__).parents[3]
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
