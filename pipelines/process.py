"""The one place that starts programs: each in a process group that never outlives its time."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines import console
from pipelines.errors import MachineError, SummitError

GRACE = 5.0  # seconds between asking a program to end and making it
_running: set[subprocess.Popen[bytes]] = set()
_running_lock = threading.Lock()


@dataclass(frozen=True)
class Completed:
    """A program that has ended; true when it succeeded. `output` is empty unless captured."""

    argv: tuple[str, ...]
    code: int
    output: str
    seconds: float

    def __bool__(self) -> bool:
        return self.code == 0


class ProgramMissing(MachineError):
    """The program to run is not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(f"no program called {program!r}", hint="install it or put it on PATH")
        self.program = program


class ProgramTimedOut(SummitError):
    """The program was stopped, with all that it started, when its time was up."""

    def __init__(self, program: str, timeout: float, output: str) -> None:
        super().__init__(f"{program} was stopped: not done after {timeout:g}s")
        self.output = output


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    capture: bool = False,
    echo: bool = True,
) -> Completed:
    """Run a program to its end and say how it ended; a bad exit code is for the caller to judge.

    `env` is the whole environment (this process's own unless given) and is never printed, since it
    may carry secrets. `capture` keeps stdout and stderr, together, as `output` instead of showing
    them. The program reads nothing from the terminal.

    Raises `ProgramMissing`, or `ProgramTimedOut` after `timeout` seconds.
    """
    argv = tuple(str(word) for word in command)
    if echo:
        console.command(argv)
    started = time.monotonic()
    # A file and not a pipe: a daemon left behind by the program would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output, _started(argv, cwd, env, output, capture) as program:
        try:
            code = program.wait(timeout)
        except subprocess.TimeoutExpired as expired:
            _stop(program)
            raise ProgramTimedOut(argv[0], expired.timeout, _text(output)) from None
        return Completed(argv, code, _text(output), time.monotonic() - started)


def stop_all() -> None:
    """Stop every program that `run` is waiting for, in whichever thread."""
    with _running_lock:
        programs = list(_running)
    for program in programs:
        _stop(program)


@contextmanager
def _started(
    argv: tuple[str, ...],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    output: IO[bytes],
    capture: bool,
) -> Iterator[subprocess.Popen[bytes]]:
    try:
        program = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output if capture else None,
            stderr=subprocess.STDOUT if capture else None,
            process_group=0,
        )
    except (FileNotFoundError, PermissionError) as error:
        if cwd and not cwd.is_dir():
            raise MachineError(f"no such folder to run {argv[0]} in: {cwd}") from error
        raise ProgramMissing(argv[0]) from error
    with _running_lock:
        _running.add(program)
    try:
        yield program
    except BaseException:  # Ctrl-C, SIGTERM: leave nothing behind, then go on ending
        _stop(program)
        raise
    finally:
        with _running_lock:
            _running.discard(program)


def _stop(program: subprocess.Popen[bytes]) -> None:
    """End the program and all it started: ask first, insist after a grace."""
    if program.returncode is None:
        _signal(program, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while _group_lives(program) and time.monotonic() < deadline:
            time.sleep(0.01)
    _signal(program, signal.SIGKILL)
    program.wait()


def _group_lives(program: subprocess.Popen[bytes]) -> bool:
    program.poll()  # a leader not yet waited for still counts as a member
    return _signal(program, 0)


def _signal(program: subprocess.Popen[bytes], number: int) -> bool:
    try:
        os.killpg(program.pid, number)
    except (ProcessLookupError, PermissionError):  # gone; macOS forbids to signal mere zombies
        return False
    return True


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")
