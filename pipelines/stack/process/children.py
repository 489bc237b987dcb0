"""Starting a service's process: a fork of the preloaded interpreter, or a program of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import SummitError
from pipelines.stack.place import Place
from pipelines.stack.process import interpreter
from pipelines.stack.process.account import identity
from pipelines.stack.process.launch import MARK, Launch, inherited


class StartFailed(SummitError):
    """A service's process could not be started."""


@dataclass(frozen=True)
class Child:
    """A started process, leader of its own session; `exited` gives the code `subprocess` would."""

    pid: int
    exited: asyncio.Future[int] = field(repr=False)

    def send(self, number: int) -> None:
        """Signal the whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def stop(self, first: int, grace: float) -> None:
        """Ask it to end, insist after `grace` seconds, and leave nothing of its group behind."""
        if not self.exited.done():
            self.send(first)
            await asyncio.wait([self.exited], timeout=grace)
        self.send(signal.SIGKILL)
        await asyncio.wait([self.exited])


async def spawn(launch: Launch, log: int) -> Child:
    """Start the command as a program of its own; `log` is the write end of its log's pipe."""
    try:
        process = await asyncio.create_subprocess_exec(
            *launch.command,
            env=launch.environment,
            cwd=launch.directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **identity(launch.cluster.account if launch.cluster else None),
        )
    except OSError as error:
        raise StartFailed(f"cannot start {launch.command[0]}: {error.strerror}") from error
    return Child(process.pid, asyncio.ensure_future(process.wait()))


class Interpreter:
    """The supervisor's side of one preloaded interpreter."""

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self._one_at_a_time = asyncio.Lock()
        self._forked: asyncio.Future[int] | None = None
        self._exits: dict[int, asyncio.Future[int]] = {}
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, python: str, modules: list[str], place: Place, log: int) -> Interpreter:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            ours.setblocking(False)
            process = await asyncio.create_subprocess_exec(
                # -P: its own folder is no place to import from; it adds the checkout's root itself.
                *(python, "-P", interpreter.__file__, *modules),
                # Libraries must not start threads of their own before the fork.
                env=inherited(python) | {MARK: str(place.state), "OPENBLAS_NUM_THREADS": "1"},
                cwd=place.root,
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return cls(process, ours)

    async def is_stale(self) -> bool:
        """Whether a file it has imported was changed since, or it is gone."""
        if self._listener.done():
            return True
        ready = await self._ready
        return any(_changed_since(file, ready["started"]) for file in ready["files"])

    async def fork(self, launch: Launch, log: int) -> Child:
        """Fork it into `python -m MODULE ...`; raises StartFailed when it is gone."""
        await self._ready
        request = {"arguments": launch.command[2:], "environment": launch.environment}
        async with self._one_at_a_time:
            self._forked = asyncio.get_running_loop().create_future()
            try:
                socket.send_fds(self._channel, [json.dumps(request).encode()], [log])
            except OSError as error:
                raise StartFailed(f"the preloaded interpreter is gone: {error.strerror}") from error
            pid = await self._forked
        return Child(pid, self._exits[pid])

    async def stop(self) -> None:
        """Close the channel: it ends by itself. Its children go on; nobody is told of their end."""
        self._listener.cancel()
        self._channel.close()
        await self._process.wait()

    @property
    def is_idle(self) -> bool:
        return all(exited.done() for exited in self._exits.values())

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        pending = b""
        while chunk := await loop.sock_recv(self._channel, 65536):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))
        self._lose()

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"ready": ready}:
                self._ready.set_result(ready)
            case {"forked": pid}:
                assert self._forked is not None
                self._exits[pid] = asyncio.get_running_loop().create_future()
                self._forked.set_result(pid)
            case {"exited": pid, "code": code}:
                self._exits.pop(pid).set_result(code)

    def _lose(self) -> None:
        """It died, our only way to learn of its children's end: they must not live on unwatched."""
        gone = StartFailed("the preloaded interpreter died; see the log `interpreter`")
        for waiting in (self._ready, self._forked):
            if waiting is not None and not waiting.done():
                waiting.set_exception(gone)
        for pid, exited in self._exits.items():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            exited.set_result(-signal.SIGKILL)
        self._exits.clear()


def _changed_since(file: str, moment: int) -> bool:
    try:
        return Path(file).stat().st_mtime_ns > moment
    except FileNotFoundError:
        return True
