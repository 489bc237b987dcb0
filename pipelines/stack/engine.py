"""What every engine can do with a stack, so that a command need not know which one runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from pipelines.errors import SummitError
from pipelines.stack.health import Answer
from pipelines.stack.status import Status

OnChange = Callable[[Status], None]
Show = Callable[[str, str], None]  # of a service, a line


class Foreign(SummitError):
    """Another checkout's containers bear this project's name."""

    def __init__(self, project: str, folder: str) -> None:
        super().__init__(
            f"the containers of project {project!r} are those of {folder}",
            hint="stop them there, or set COMPOSE_PROJECT_NAME to another name",
        )


@dataclass(frozen=True)
class Running:
    """What runs now.

    `addresses` are URLs by service; `notices` say where one is not where it usually is. `trouble`
    is what is wrong with the stack as a whole, beside what the statuses say.
    """

    statuses: tuple[Status, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    trouble: SummitError | None = None

    def __bool__(self) -> bool:
        return bool(self.statuses)


class Engine(Protocol):
    """Brings one checkout's stack up and keeps it up.

    Every verb raises `MachineError` where the machine lacks what the engine needs; those on a
    running stack raise `NotRunning`.
    """

    @property
    def name(self) -> str:
        """The word that chooses it."""

    @property
    def described(self) -> str:
        """The engine in a few words, with its version where it has one."""

    def up(
        self,
        *,
        only: Sequence[str],
        profiles: Sequence[str],
        timeout: float,
        on_change: OnChange,
    ) -> Running:
        """Bring services up and return once all are healthy.

        Raises `NotHealthy` after `timeout` seconds, or as soon as one cannot become healthy; what
        runs goes on running, to be looked at. Interrupted, it takes down what it has brought up.
        """

    def down(self, *, volumes: bool = False) -> None:
        """Stop everything, also what a killed command left; with `volumes` delete the data too."""

    def restart(self, names: Sequence[str], *, timeout: float, on_change: OnChange) -> None:
        """Stop and start these services (without names: all that are no jobs), wait for health."""

    def now(self) -> Running:
        """What runs at this moment. Raises `Foreign`."""

    def health(self) -> dict[str, tuple[Answer, float]]:
        """Ask every service now: its answer, and the seconds it took."""

    def logged(self) -> list[str]:
        """The services that have a log."""

    def tail(self, service: str, lines: int) -> list[str]:
        """The last lines of a service's log."""

    def follow(self, services: Sequence[str], show: Show) -> None:
        """Show every line that arrives, until the stack is down."""

    def smoke(self) -> None:
        """Run the jobs of the profile `smoke`. Raises `NotHealthy`, `SmokeFailed`."""

    def execute(self, service: str, command: Sequence[str]) -> NoReturn:
        """Become this command, in the surroundings of a running service."""
