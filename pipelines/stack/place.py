"""Where a checkout's stack keeps what it needs between two commands."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines import compose
from pipelines.compose.loader import FILES
from pipelines.errors import FREE_SOME, ConfigError, MachineError

LEAST_SPACE = 200  # MB; a fresh PostgreSQL cluster takes 40, its log 16 apiece


@dataclass(frozen=True)
class Place:
    """The paths of one checkout's stack; `root` is the folder of the Compose file.

    With a `run` it is the stack of one run, with data of its own, beside the checkout's.
    """

    root: Path
    run: str = ""

    @property
    def home(self) -> Path:
        """Holds everything else; a run's is removed with all that is in it."""
        return runs(self.root) / self.run if self.run else self.root / ".summit"

    @property
    def state(self) -> Path:
        return self.home / "stack"

    @property
    def lock(self) -> Path:
        """Held by the supervisor for as long as it lives."""
        return self.state / "supervisor.lock"

    @property
    def snapshot(self) -> Path:
        """The last known status of every service: what is read once the supervisor is gone."""
        return self.state / "status.json"

    @property
    def engine(self) -> Path:
        """The name of the engine that keeps the stack while no command runs, until it is down.

        The supervisor of local processes is found without it.
        """
        return self.state / "engine"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def grants(self) -> Path:
        """A folder per service with links to the secrets it is granted: its `/run/secrets`."""
        return self.state / "secrets"

    @property
    def mounts(self) -> Path:
        """A folder per program with its configuration, as it is on this machine."""
        return self.state / "mounts"

    @property
    def volumes(self) -> Path:
        return self.home / "volumes"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def prepare(self) -> None:
        """Make the folders, private to this user.

        Raises MachineError when the checkout is not writable or the disk is nearly full.
        """
        try:
            for folder in (self.state, self.logs, self.grants, self.volumes):
                folder.mkdir(parents=True, exist_ok=True)
            self.state.chmod(0o700)
            (self.state / "writable").touch()
        except OSError as error:
            raise MachineError(
                f"cannot write to {self.state}: {error.strerror}",
                hint="the stack keeps its state there; make the checkout writable",
            ) from error
        require_space(self.state)


def require_space(folder: Path, wanted: int = LEAST_SPACE) -> None:
    """Raise `MachineError` where fewer MB than these are free."""
    free = shutil.disk_usage(folder).free // 2**20
    if free < wanted:
        raise MachineError(
            f"no space: {free} MB are free at {folder}, {wanted} MB are needed", hint=FREE_SOME
        )


@contextmanager
def one_command_at_a_time(place: Place) -> Iterator[None]:
    """Wait until no other command changes this stack."""
    place.state.mkdir(parents=True, exist_ok=True)
    with (place.state / "command.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def runs(root: Path) -> Path:
    """Where the stacks of single runs are."""
    return root / ".summit" / "runs"


def find(start: Path) -> tuple[Place, Path]:
    """The place and the Compose file of the checkout that `start` lies in.

    Raises ConfigError when no folder from `start` upwards holds a Compose file.
    """
    for folder in (start, *start.parents):
        if file := compose.find(folder):
            return Place(folder), file
    raise ConfigError(f"no {FILES[0]} in {start} or above it")
