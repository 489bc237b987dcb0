"""What is known of each service, and how those who wait are told of a change."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class State(Enum):
    WAITING = "waiting"  # for its dependencies
    STARTING = "starting"  # runs, not yet healthy
    RUNNING = "running"  # runs, and nobody said how to ask for its health
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"  # was given its time, and fails its probe
    RESTARTING = "restarting"  # exited; the pause before the next start
    CRASH_LOOP = "crash loop"  # exited shortly after each of its last starts; still retried
    COMPLETED = "completed"  # a job that ended well
    FAILED = "failed"  # will not be started again
    STOPPED = "stopped"

    @property
    def is_up(self) -> bool:
        return self in (State.RUNNING, State.HEALTHY, State.COMPLETED)

    @property
    def is_lost(self) -> bool:
        """Waiting for it to become healthy makes no sense."""
        return self in (State.CRASH_LOOP, State.FAILED, State.STOPPED)


@dataclass(frozen=True)
class Status:
    """One service now; `since` is in seconds of the Unix epoch."""

    name: str
    state: State = State.WAITING
    pid: int | None = None
    port: int | None = None
    restarts: int = 0
    since: float = 0.0
    answer: str = ""  # the probe's last answer
    message: str = ""  # why it is in this state, where the state does not say it
    is_blocked: bool = False  # it failed because a dependency did
    steady: bool = True  # False from a crash until it has stayed up for a while

    @property
    def is_ready(self) -> bool:
        return self.state.is_up and self.steady


class Board:
    """The statuses of all services. One loop writes and reads it; nothing here blocks."""

    def __init__(self, on_change: Callable[[Status], None] = lambda status: None) -> None:
        self._statuses: dict[str, Status] = {}
        self._changed: asyncio.Future[None] | None = None
        self._on_change = on_change

    def __getitem__(self, name: str) -> Status:
        return self._statuses[name]

    def all(self) -> list[Status]:
        return list(self._statuses.values())

    def put(self, status: Status) -> None:
        if self._statuses.get(status.name) == status:
            return
        self._statuses[status.name] = status
        self._on_change(status)
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    def update(self, name: str, **changes: Any) -> None:
        self.put(dataclasses.replace(self._statuses[name], **changes))

    async def change(self) -> None:
        """Return at the next change of any status."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self.change()

    async def follow(self) -> AsyncIterator[Status]:
        """Yield each status now, then again whenever it has changed."""
        seen: dict[str, Status] = {}
        while True:
            news = [status for status in self.all() if seen.get(status.name) != status]
            seen.update({status.name: status for status in news})
            for status in news:
                yield status
            if not news:
                await self.change()
