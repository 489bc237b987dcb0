"""The process that keeps a checkout's stack running: one per checkout, it survives its terminal.

`python -m pipelines.stack.process.supervisor ROOT READY_FD` takes the checkout's lock, listens on
the control socket, writes a line to READY_FD, and ends on `Down` or SIGTERM, leaving no process
behind. With `RUN LIFELINE_FD` after these it keeps the stack of one run: it ends as well when
nobody holds the other end of LIFELINE_FD any more, however that run has ended, and leaves no file
behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import TextIO

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from pipelines.stack.place import Place
from pipelines.stack.process import control, recovery
from pipelines.stack.process.children import Child, Interpreter, spawn
from pipelines.stack.process.control import (
    Done,
    Down,
    Now,
    Reply,
    Request,
    Restart,
    Runs,
    Told,
    Up,
    Watch,
)
from pipelines.stack.process.launch import Launch
from pipelines.stack.process.lifecycle import Lifecycle
from pipelines.stack.process.logs import Log
from pipelines.stack.status import Board

Say = Callable[[Reply], Awaitable[None]]


class Supervisor:
    """The lifecycles of one stack, and the requests that change them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._board = Board(on_change=lambda status: self._schedule_snapshot())
        self._lifecycles: dict[str, Lifecycle] = {}
        self._logs: dict[str, Log] = {}
        self._preload: list[str] = []
        self._python = sys.executable
        self._interpreters: list[Interpreter] = []  # the last one is current
        self._interpreter_wanted = asyncio.Lock()
        self._changing = asyncio.Lock()  # one request changes the stack at a time
        self._snapshot: asyncio.Handle | None = None
        self._warming: asyncio.Task[Interpreter] | None = None
        self.ended = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; a command that goes away ends its request, not what it started."""

        async def say(reply: Reply) -> None:
            writer.write(control.encode(reply) + b"\n")
            await writer.drain()

        with contextlib.suppress(ConnectionError):
            await self._carry_out(control.decode_request(await reader.readline()), say)
            await say(Done())
        writer.close()

    async def _carry_out(self, request: Request, say: Say) -> None:
        match request:
            case Up():
                await self._up(request)
            case Restart(names):
                await self._restart(names)
            case Down():
                await self.down()
            case Watch():
                async for status in self._board.follow():
                    await say(Told(status))
            case Now():
                for lifecycle in self._lifecycles.values():
                    await say(Runs(lifecycle.launch))
                for status in self._board.all():
                    await say(Told(status))

    async def _up(self, request: Up) -> None:
        async with self._changing:
            self._preload, self._python = request.preload, request.python
            changed = [launch for launch in request.launches if self._is_to_start(launch)]
            lost = {s.name for s in self._board.all() if s.state.is_lost and not s.steady}
            await self._stop([launch.name for launch in changed])
            if any(launch.forked for launch in changed):  # import while the database starts
                self._warming = asyncio.create_task(self._interpreter())
            for launch in changed:
                self._begin(launch, lost)

    async def _restart(self, names: list[str]) -> None:
        async with self._changing:
            launches = [self._lifecycles[name].launch for name in names]
            await self._stop(names)
            for launch in launches:
                self._begin(launch)

    async def down(self) -> None:
        async with self._changing:
            await self._stop(list(self._lifecycles))
            for interpreter in self._interpreters:
                await interpreter.stop()
        self.ended.set()

    def _is_to_start(self, launch: Launch) -> bool:
        current = self._lifecycles.get(launch.name)
        if current is None or current.launch != launch or launch.is_job:
            return True
        return self._board[launch.name].state.is_lost

    def _begin(self, launch: Launch, lost: Collection[str] = ()) -> None:
        """Begin a lifecycle; it runs from the loop's next turn on, when all begun are known."""
        self._lifecycles[launch.name] = Lifecycle(
            launch,
            start=self._start,
            board=self._board,
            log=self._log(launch.name),
            steady=launch.name not in lost,
        )

    async def _stop(self, names: list[str]) -> None:
        """Stop these, each only after those of them that depend on it."""
        going = {n: self._lifecycles[n] for n in names if n in self._lifecycles}
        stopped: dict[str, asyncio.Task[None]] = {}

        def stop(name: str) -> asyncio.Task[None]:
            if name not in stopped:
                dependents = [n for n, it in going.items() if name in it.launch.depends_on]
                first = [stop(dependent) for dependent in dependents]
                stopped[name] = asyncio.create_task(_after(first, going[name]))
            return stopped[name]

        await asyncio.gather(*(stop(name) for name in going))

    async def _start(self, launch: Launch, log: int) -> Child:
        if not launch.forked:
            return await spawn(launch, log)
        return await (await self._interpreter()).fork(launch, log)

    async def _interpreter(self) -> Interpreter:
        """The preloaded interpreter: a fresh one once the code it has imported was changed."""
        async with self._interpreter_wanted:
            if not self._interpreters or await self._interpreters[-1].is_stale():
                with self._log("interpreter").pipe() as log:
                    fresh = await Interpreter.start(self._python, self._preload, self._place, log)
                self._interpreters.append(fresh)
            await self._retire()
            return self._interpreters[-1]

    async def _retire(self) -> None:
        for old in self._interpreters[:-1]:
            if old.is_idle:
                self._interpreters.remove(old)
                await old.stop()

    def _log(self, name: str) -> Log:
        return self._logs.setdefault(name, Log(self._place.log(name)))

    def _schedule_snapshot(self) -> None:
        """Write the snapshot once for all the changes of this turn of the loop."""
        if self._snapshot is None:
            self._snapshot = asyncio.get_running_loop().call_soon(self._write_snapshot)

    def _write_snapshot(self) -> None:
        self._snapshot = None
        with contextlib.suppress(OSError):  # a full disk
            control.write_snapshot(self._place.snapshot, self._board.all())


async def _after(first: list[asyncio.Task[None]], lifecycle: Lifecycle) -> None:
    if first:
        await asyncio.wait(first)
    await lifecycle.stop()


async def run(place: Place, ready: int, lifeline: int | None) -> None:
    supervisor = Supervisor(place)
    os.chdir(place.state)  # the socket's path is relative, since its length is limited
    server = await asyncio.start_unix_server(
        supervisor.answer, control.SOCKET, limit=control.LONGEST_REQUEST
    )
    loop = asyncio.get_running_loop()
    going_down: set[asyncio.Task[None]] = set()

    def go_down() -> None:
        going_down.add(asyncio.create_task(supervisor.down()))

    def let_go(descriptor: int) -> None:
        loop.remove_reader(descriptor)
        go_down()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, go_down)
    if lifeline is not None:
        loop.add_reader(lifeline, let_go, lifeline)
    with os.fdopen(ready, "w") as told:
        told.write("ready\n")
    await supervisor.ended.wait()
    server.close()


@retry(
    retry=retry_if_exception_type(BlockingIOError),
    wait=wait_fixed(0.01),
    stop=stop_after_delay(0.5),
    reraise=True,
)
def _take(lock: TextIO) -> None:
    """Take the lock; tried for a moment, as whoever asks whether it is held holds it that long."""
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def main(root: str, ready: str, run_name: str = "", lifeline: str = "") -> None:
    place = Place(Path(root), run_name)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # survive the terminal
    with place.lock.open("w") as lock:
        try:
            _take(lock)
        except BlockingIOError:
            return  # another one was faster; the command will find it
        # A socket that exists was left by one that was killed: we hold the lock.
        (place.state / control.SOCKET).unlink(missing_ok=True)
        asyncio.run(run(place, int(ready), int(lifeline) if lifeline else None))
        (place.state / control.SOCKET).unlink()
        place.snapshot.unlink(missing_ok=True)
        if place.run:
            recovery.remove(place)


if __name__ == "__main__":
    main(*sys.argv[1:])
