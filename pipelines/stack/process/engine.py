"""The process engine as every command sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from pipelines.stack.engine import OnChange, Running, Show
from pipelines.stack.health import Answer
from pipelines.stack.ports import HOST, moved
from pipelines.stack.process import foreground, health, logs, recovery, verbs
from pipelines.stack.process.launch import Launch, usual_ports
from pipelines.stack.stack import Stack


@dataclass(frozen=True)
class ProcessEngine:
    """Services as local processes under a supervisor of the checkout."""

    stack: Stack
    name: str = "process"

    @property
    def described(self) -> str:
        return self.name

    def up(
        self,
        *,
        only: Sequence[str],
        profiles: Sequence[str],
        timeout: float,
        on_change: OnChange,
    ) -> Running:
        return self._told(
            verbs.up(self.stack, only=only, profiles=profiles, timeout=timeout, on_change=on_change)
        )

    def down(self, *, volumes: bool = False) -> None:
        verbs.down(self.stack.place)
        self.stack.place.engine.unlink(missing_ok=True)
        if volumes:
            verbs.drop_volumes(self.stack)

    def restart(self, names: Sequence[str], *, timeout: float, on_change: OnChange) -> None:
        verbs.restart(self.stack, names, timeout=timeout, on_change=on_change)

    def now(self) -> Running:
        return self._told(verbs.now(self.stack.place))

    def health(self) -> dict[str, tuple[Answer, float]]:
        return health.ask_all(verbs.require(self.stack.place).launches.values())

    def logged(self) -> list[str]:
        return sorted(file.stem for file in self.stack.place.logs.glob("*.log"))

    def tail(self, service: str, lines: int) -> list[str]:
        return logs.tail(self.stack.place.log(service), lines)

    def follow(self, services: Sequence[str], show: Show) -> None:
        place = self.stack.place
        logs.follow(
            {name: place.log(name) for name in services},
            show,
            go_on=lambda: recovery.is_supervised(place),
        )

    def smoke(self) -> None:
        foreground.smoke(self.stack)

    def execute(self, service: str, command: Sequence[str]) -> NoReturn:
        foreground.execute(self.stack, service, command)

    def _told(self, running: verbs.Running) -> Running:
        usual = usual_ports(self.stack.project.services)
        is_killed = bool(running) and not running.supervised
        return Running(
            statuses=running.statuses,
            addresses={
                name: _address(launch) for name, launch in running.launches.items() if launch.port
            },
            notices=tuple(_moved(running.launches.values(), usual)),
            trouble=verbs.SupervisorKilled(len(recovery.survivors(self.stack.place)))
            if is_killed
            else None,
        )


def _address(launch: Launch) -> str:
    scheme = "postgresql" if launch.cluster else "http"
    return f"{scheme}://{HOST}:{launch.port}"


def _moved(launches: Iterable[Launch], usual: Mapping[str, int]) -> Iterator[str]:
    for launch in launches:
        if launch.port and usual.get(launch.name, launch.port) != launch.port:
            yield moved(launch.name, usual[launch.name], launch.port)
