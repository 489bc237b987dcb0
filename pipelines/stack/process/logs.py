"""Services' logs: from a pipe to rotating files, and from the files to a terminal."""

from __future__ import annotations

import asyncio
import codecs
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

LARGEST = 5 * 1024 * 1024  # bytes in one file
KEPT = 2  # older files beside it
PAUSE = 0.1  # seconds between two looks at a file that is followed

logging.raiseExceptions = False  # a full disk loses log lines; it must not stop the supervisor


class Log:
    """The log of one service; every start of it writes through a pipe of its own."""

    def __init__(self, file: Path) -> None:
        self._handler = RotatingFileHandler(
            file, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", delay=True
        )
        self._handler.terminator = ""
        self._pumps: set[asyncio.Task[None]] = set()

    @contextmanager
    def pipe(self) -> Iterator[int]:
        """A write end to hand to a child; what arrives is kept until all holders have closed it."""
        read, write = os.pipe()
        pump = asyncio.create_task(self._pump(read))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        try:
            yield write
        finally:
            os.close(write)

    def say(self, line: str) -> None:
        """Add a line of the engine's own."""
        self._write(f"[engine] {line}\n")

    async def drain(self, timeout: float = 0.5) -> None:
        """Wait for the last words; `timeout` because a grandchild may keep the pipe open."""
        if self._pumps:
            await asyncio.wait(list(self._pumps), timeout=timeout)

    async def _pump(self, read: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", 0)
        )
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        try:
            while chunk := await reader.read(65536):
                self._write(decode(chunk))
        finally:
            transport.close()

    def _write(self, text: str) -> None:
        self._handler.emit(logging.makeLogRecord({"msg": text}))


def tail(file: Path, lines: int) -> list[str]:
    """The last lines of a log, none when there is no log."""
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            return [line.rstrip("\n") for line in deque(stream, lines)]
    except FileNotFoundError:
        return []


def follow(
    files: dict[str, Path],
    show: Callable[[str, str], None],
    *,
    go_on: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call `show(service, line)` for every line that arrives from now on, while `go_on()`."""
    followed = {name: _Followed(file) for name, file in files.items()}
    while True:
        last_round = not go_on()
        for name, file in followed.items():
            for line in file.news():
                show(name, line)
        if last_round:
            return
        sleep(PAUSE)


class _Followed:
    """A file that grows, and now and then is renamed and begun anew."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._inode, self._offset = self._now()

    def news(self) -> Iterator[str]:
        inode, size = self._now()
        if inode != self._inode or size < self._offset:
            self._inode, self._offset = inode, 0
        if size == self._offset:
            return
        with self._file.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield line.decode(errors="replace").rstrip("\n")

    def _now(self) -> tuple[int, int]:
        try:
            now = self._file.stat()
        except FileNotFoundError:
            return 0, 0
        return now.st_ino, now.st_size
