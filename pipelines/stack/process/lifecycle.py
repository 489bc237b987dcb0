"""One service from its first start to its last stop: dependencies, health, restarts."""

from __future__ import annotations

import asyncio
import functools
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pipelines.compose.model import Condition
from pipelines.errors import SummitError
from pipelines.stack.process import probes
from pipelines.stack.process.children import Child
from pipelines.stack.process.launch import Launch
from pipelines.stack.process.logs import Log
from pipelines.stack.process.probes import Probe
from pipelines.stack.status import Board, State, Status

STEADY = 3.0  # seconds up after which a crash counts as a new one, not as the next of a loop
LOOP = 3  # crashes in a row that make a loop
FIRST_PAUSE = 0.1  # seconds before the second restart (the first is at once); doubles each time
LONGEST_PAUSE = 10.0  # seconds

Start = Callable[[Launch, int], Awaitable[Child]]


class Blocked(SummitError):
    """A dependency will not become what the service waits for."""


class Lifecycle:
    """Keeps one service as its launch says, until stopped. All it learns goes to the board.

    One that was lost before (`steady=False`) counts as ready only once it has stayed up a while.
    """

    def __init__(
        self, launch: Launch, *, start: Start, board: Board, log: Log, steady: bool = True
    ) -> None:
        self.launch = launch
        self._start = start
        self._board = board
        self._log = log
        self._crashes = 0  # in a row
        self._steady = steady
        board.put(Status(launch.name, port=launch.port, since=time.time()))
        self._task = asyncio.create_task(self._run(), name=launch.name)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        self._set(State.STOPPED, pid=None, message="")

    async def _run(self) -> None:
        try:
            await self._wait_for_dependencies()
            if self.launch.cluster:
                await asyncio.to_thread(self.launch.cluster.initialise)
            while await self._live():
                pass
        except SummitError as error:
            self._log.say(str(error))
            is_blocked = isinstance(error, Blocked)
            self._set(State.FAILED, pid=None, message=str(error), is_blocked=is_blocked)

    async def _wait_for_dependencies(self) -> None:
        for name, condition in self.launch.depends_on.items():
            await self._board.until(functools.partial(self._is_met, name, condition))

    def _is_met(self, name: str, condition: Condition) -> bool:
        state = self._board[name].state
        if state in (State.FAILED, State.STOPPED):
            raise Blocked(f"not started: it needs {name}, which is {state.value}")
        if condition is Condition.COMPLETED:
            return state is State.COMPLETED
        if condition is Condition.STARTED:
            return state is not State.WAITING
        return state.is_up

    async def _live(self) -> bool:
        """One life of the process; true when it is to be started again."""
        began = time.monotonic()
        with self._log.pipe() as log:
            child = await self._start(self.launch, log)
        self._set(State.STARTING, pid=child.pid, message="", answer="", steady=self._steady)
        watch = asyncio.create_task(self._watch(began))
        try:
            code = await asyncio.shield(child.exited)
        finally:
            watch.cancel()
            await child.stop(signal.Signals[self.launch.stop_signal], self.launch.stop_grace)
            await self._log.drain()
        if not self._is_to_restart(code, lived=time.monotonic() - began):
            return False
        await asyncio.sleep(self._pause())
        return True

    def _is_to_restart(self, code: int, *, lived: float) -> bool:
        if code == 0 and self.launch.is_job:
            self._set(State.COMPLETED, pid=None, steady=True)
            return False
        self._crashes = 1 if lived > STEADY else self._crashes + 1
        self._steady = False
        said = _describe(code)
        self._log.say(said)
        policy, attempts = self.launch.restart.policy.value, self.launch.restart.attempts
        if policy == "no" or (
            policy == "on-failure" and (code == 0 or self._crashes > (attempts or 5))
        ):
            self._set(State.FAILED, pid=None, message=said)
            return False
        state = State.CRASH_LOOP if self._crashes >= LOOP else State.RESTARTING
        restarts = self._board[self.launch.name].restarts + 1
        self._set(state, pid=None, restarts=restarts, message=said, steady=False)
        return True

    def _pause(self) -> float:
        if self._crashes == 1:
            return 0.0
        return min(LONGEST_PAUSE, FIRST_PAUSE * float(2 ** (self._crashes - 2)))

    async def _watch(self, began: float) -> None:
        """Keep asking for health; without a probe, being alive is all that is known."""
        probe = self.launch.probe
        if probe is None:
            if not self.launch.is_job:
                self._set(State.RUNNING)
            await self._settle(began)
            return
        pause, failures = probes.FIRST_PAUSE, 0
        while True:
            answer = await probes.ask(
                probe, port=self.launch.port, environment=self.launch.environment
            )
            if answer:
                pause, failures = probes.FIRST_PAUSE, 0
                self._set(State.HEALTHY, answer="")
                await self._settle(began)
                await asyncio.sleep(probe.interval)
                continue
            failures += 1
            self._board.update(self.launch.name, answer=answer.text)
            if self._is_due(probe, failures, time.monotonic() - began):
                self._set(State.UNHEALTHY)
            if self._board[self.launch.name].state is State.HEALTHY:
                await asyncio.sleep(probe.interval)  # one failure is not news yet
            else:
                await asyncio.sleep(pause)
                pause = min(pause * probes.GROWTH, max(probe.start_interval, probes.FIRST_PAUSE))

    def _is_due(self, probe: Probe, failures: int, lived: float) -> bool:
        """Whether its failures count: not during the start period of one that was never healthy."""
        was_healthy = self._board[self.launch.name].state is not State.STARTING
        return failures >= probe.retries and (was_healthy or lived > probe.start_period)

    async def _settle(self, began: float) -> None:
        """After a crash it is steady only once it has stayed up for a while."""
        if not self._steady:
            await asyncio.sleep(max(0.0, STEADY - (time.monotonic() - began)))
            self._steady = True
            self._board.update(self.launch.name, steady=True)

    def _set(self, state: State, **changes: object) -> None:
        status = self._board[self.launch.name]
        if status.state is not state:
            changes["since"] = time.time()
        self._board.update(self.launch.name, state=state, **changes)


def _describe(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
