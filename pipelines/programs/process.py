"""The one place that starts programs: nothing they start outlives them, or their time."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pipelines import console
from pipelines.errors import MachineError, SummitError
from pipelines.programs.output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.programs.mask import Masker

GRACE = 5.0  # seconds between asking a program to end and making it
MARK = "SUMMIT_PROCESS"  # in the environment of a program and of all that it starts
_AT_ONCE = 1 << 16  # bytes, what a pipe holds unless told otherwise
_MOST = 1 << 20  # bytes, the most that an ordinary user's pipe can hold
_BLINK = 0.02  # seconds between two looks at a program on a system that does not tell its end
_NAP = 0.5  # seconds of waiting at most: Ctrl-C that comes just before it is heard at its end
_running: dict[subprocess.Popen[bytes], str] = {}  # and the mark of each
_running_lock = threading.Lock()


class Completed(NamedTuple):
    """A program that has ended; true when it succeeded. `output` is empty unless captured."""

    argv: tuple[str, ...]
    code: int
    output: str
    seconds: float

    def __bool__(self) -> bool:
        return self.code == 0


class Said(NamedTuple):
    """What a program answered, stdout and stderr apart; true when it succeeded."""

    code: int
    output: bytes
    errors: str

    def __bool__(self) -> bool:
        return self.code == 0

    @property
    def text(self) -> str:
        """The output as text."""
        return self.output.decode(errors="replace")


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
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    capture: bool = False,
    echo: bool = True,
    log: BinaryIO | None = None,
    masker: Masker | None = None,
    live: bool = False,
) -> Completed:
    """Run a program to its end and say how it ended; a bad exit code is for the caller to judge.

    `env` is the whole environment (this process's own unless given) and is never printed, since it
    may carry secrets. What the program says, stdout and stderr together, goes to the terminal;
    with `capture` it is kept as `output` instead, and with `log` written there while it comes.
    `live` shows it as well. All of these, and the echo of the command, hold what `masker` leaves of
    it. The program reads nothing from the terminal.

    What the program leaves behind when it ends is ended too, daemons included.

    Raises `ProgramMissing`, `ProgramTimedOut` after `timeout` seconds, and `MachineError` when the
    program cannot be started or the log not be written.
    """
    argv = tuple(str(word) for word in command)
    if echo:
        console.command([masker.text(word) for word in argv] if masker else argv)
    stream = masker.fresh() if masker else None  # steps side by side share one masker
    output = Output(log, stream, capture=capture, live=live)
    started = time.monotonic()
    before = _processes()
    with _started(argv, cwd, env, _streams(output)) as program:
        is_in_time = _listen(program, output, timeout)
        if not is_in_time or _has_left_something(program, before):
            _end({program: _running[program]})
        code = program.wait()
        _take_the_rest(program, output)
    if timeout is not None and not is_in_time:
        raise ProgramTimedOut(argv[0], timeout, output.text)
    return Completed(argv, code, output.text, time.monotonic() - started)


def read(
    command: Sequence[str | Path],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    fed: bytes = b"",
) -> Said:
    """Ask a program something and return its answer; nothing is shown. It can read what is `fed`.

    Meant for short questions to a tool, which may leave a daemon of its own behind, as Git does.
    Raises `ProgramMissing`, and `MachineError` when the program cannot be started.
    """
    argv = tuple(str(word) for word in command)
    apart = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if fed:
        apart["stdin"] = subprocess.PIPE
    with _started(argv, cwd, env, apart) as program:
        output, errors = program.communicate(fed or None)
    return Said(program.returncode, output, errors.decode(errors="replace"))


@contextmanager
def beside(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside us: its input ends when the context does, or this process by any death.

    Its errors are piped. Raises `ProgramMissing`, and `MachineError` when it cannot be started.
    """
    argv = tuple(str(word) for word in command)
    apart = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
    }
    with _started(argv, None, None, apart) as program:
        try:
            yield program
        finally:
            if program.stdin:
                program.stdin.close()
            _end({program: _running[program]})
            program.wait()


def stop_all() -> None:
    """Stop every program that is being waited for, in whichever thread."""
    with _running_lock:
        programs = dict(_running)
    if programs:
        _end(programs)


def _streams(output: Output) -> dict[str, int]:
    return {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if output.is_piped else {}


@contextmanager
def _started(
    argv: tuple[str, ...],
    cwd: str | Path | None,
    env: Mapping[str, str] | None,
    streams: Mapping[str, int],
) -> Iterator[subprocess.Popen[bytes]]:
    mark = _mark()
    try:
        program = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**(os.environ if env is None else env), MARK: mark},
            stdin=streams.get("stdin", subprocess.DEVNULL),
            stdout=streams.get("stdout"),
            stderr=streams.get("stderr"),
            process_group=0,
        )
    except OSError as error:
        raise _not_started(argv[0], cwd, error) from error
    with _running_lock:
        _running[program] = mark
    try:
        yield program
    except BaseException:  # Ctrl-C, SIGTERM: leave nothing behind, then go on ending
        _end({program: mark})
        program.wait()
        raise
    finally:
        with _running_lock:
            del _running[program]
        for stream in (program.stdout, program.stderr):
            if stream:
                stream.close()


def _mark() -> str:
    """A mark that no other program has; below this process's own, if a run of ours started it."""
    own = f"{os.getpid()}.{threading.get_ident()}.{time.monotonic_ns()}"
    above = os.environ.get(MARK)
    return f"{above}/{own}" if above else own


def _not_started(program: str, cwd: str | Path | None, error: OSError) -> MachineError:
    if cwd and not os.path.isdir(cwd):
        return MachineError(f"no such folder to run {program} in: {cwd}")
    if isinstance(error, (FileNotFoundError, PermissionError, NotADirectoryError)):
        return ProgramMissing(program)
    return MachineError(f"cannot start {program}: {error.strerror}")


def _listen(program: subprocess.Popen[bytes], output: Output, timeout: float | None) -> bool:
    """Take in what the program says until it has ended; whether it did so in time.

    Waiting for the end of its output instead would be waiting for every daemon it leaves behind.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    with _told_when_ended(program) as ended:
        watched = select.poll()
        for source in (ended, program.stdout):
            if source is not None:
                watched.register(source, select.POLLIN)
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            ready = {descriptor for descriptor, _ in watched.poll(_milliseconds(left, ended))}
            if ended in ready or (ended is None and program.poll() is not None):
                return True
            if ready and program.stdout:  # not the end, so words, or the end of the words
                chunk = os.read(program.stdout.fileno(), _AT_ONCE)
                if chunk:
                    output.feed(chunk)
                else:
                    watched.unregister(program.stdout)


@contextmanager
def _told_when_ended(program: subprocess.Popen[bytes]) -> Iterator[int | None]:
    """A descriptor that becomes readable when the program ends; None where there is no such thing.

    `Popen.wait` with a timeout looks again and again, at last every 50 ms.
    """
    try:
        descriptor = os.pidfd_open(program.pid)
    except (AttributeError, OSError):  # not Linux; an old one, or forbidden in a sandbox
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _milliseconds(left: float | None, ended: int | None) -> int:
    most = _BLINK if ended is None else _NAP
    return int(min(most, most if left is None else left) * 1000) + 1


def _take_the_rest(program: subprocess.Popen[bytes], output: Output) -> None:
    """Take in what the ended program had said and nobody had read yet."""
    if program.stdout:
        os.set_blocking(program.stdout.fileno(), False)
        # What it said fits the pipe; if there is more, then from what could not be ended.
        left = _MOST
        with suppress(BlockingIOError):
            while left > 0 and (chunk := os.read(program.stdout.fileno(), _AT_ONCE)):
                left -= len(chunk)
                output.feed(chunk)
    output.finish()


def _processes() -> frozenset[str] | None:
    """What runs on this machine, by process id; None where there is no /proc to tell."""
    try:
        return frozenset(os.listdir("/proc"))
    except OSError:
        return None


def _has_left_something(program: subprocess.Popen[bytes], before: frozenset[str] | None) -> bool:
    """Whether something that the program started lives on. Asked after every program: cheap."""
    now = _processes()
    if now is None or before is None:
        program.wait()
        with suppress(ProcessLookupError, PermissionError):  # none; mere zombies on macOS
            os.killpg(program.pid, 0)
            return True
        return False
    mark = f"{MARK}={_running[program]}".encode()
    started = (name for name in now - before if name.isdigit())
    return any(_belongs(name, program.pid, mark) for name in started)


def _belongs(name: str, leader: int, mark: bytes) -> bool:
    try:
        if os.getpgid(int(name)) == leader:
            return int(name) != leader
        environment = _environment(name)
        return mark + b"\0" in environment or mark + b"/" in environment
    except OSError:  # gone, or somebody else's
        return False


def _environment(name: str) -> bytes:
    """The environment of a process; a program that is just being loaded has none for a moment."""
    for _ in range(10):
        with open(f"/proc/{name}/environ", "rb") as file:
            environment = file.read()
        if environment or not os.path.exists(f"/proc/{name}/exe"):
            break
        time.sleep(0.0005)
    return environment


def _end(programs: Mapping[subprocess.Popen[bytes], str]) -> None:
    """End the programs and all they started: ask first, insist after a grace."""
    from pipelines.programs import family

    leaders = [program.pid for program in programs]
    family.end(lambda: family.of(leaders, MARK, programs.values()), grace=GRACE)
