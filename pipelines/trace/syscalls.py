"""What any program opens and executes, seen by `strace`.

The format is that of strace(1), https://man7.org/linux/man-pages/man1/strace.1.html, with every
string in hexadecimal: no file name can be taken for anything else. One file for each process, so
that no line is interrupted by another's.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from pipelines.programs import process
from pipelines.trace.reads import Access, Event

_CALLS = "open,openat,openat2,creat,execve,execveat"
_HEX = rb"(?:\\x[0-9a-f]{2})*"
_LINE = re.compile(
    rb"(?P<time>[0-9.]+) (?P<call>\w+)\("
    rb"(?:(?P<at>AT_FDCWD|\d+)(?:<(?P<folder>" + _HEX + rb")>)?, )?"
    rb'"(?P<path>' + _HEX + rb')"(?P<rest>.*)\) += \d+(?:<(?P<opened>' + _HEX + rb")>)?"
)


def find_strace() -> str | None:
    """Return the `strace` to use, None where there is none or it may not trace."""
    found = shutil.which("strace")
    return found if found and _works(found) else None


def command(strace: str, argv: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return the words that run a command under `strace`, which writes into the folder.

    The command stays the direct child (`-D`), so that its exit code is its own and a daemon that it
    leaves behind is not waited for.
    """
    form = ("-f", "-ff", "-qq", "-y", "-xx", "-ttt", "-e", "signal=none", "-e", f"trace={_CALLS}")
    output = str(folder / "strace")
    return (strace, "-D", *form, "--seccomp-bpf", "-o", output, "--", *argv)


def events(folder: Path) -> list[Event]:
    """Return what every process opened."""
    return [event for file in folder.glob("strace.*") for event in _events(file)]


@cache
def _works(strace: str) -> bool:
    """Whether it knows these options and this machine lets it trace; containers often do not.

    What it saw tells: the exit code is the command's own, which runs untraced as well.
    """
    with tempfile.TemporaryDirectory(prefix="summit-trace-") as folder:  # it writes `NAME.PID`
        process.run(command(strace, ["true"], Path(folder)), capture=True, echo=False)
        return bool(events(Path(folder)))


def _events(file: Path) -> Iterator[Event]:
    executed: list[
        tuple[float, str]
    ] = []  # by a relative name, when strace does not say from where
    for line in file.read_bytes().splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        time, path, folder = float(found["time"]), _text(found["path"]), _text(found["folder"])
        if found["at"] == b"AT_FDCWD" and folder:
            # A program just loaded opens its libraries before it can go elsewhere.
            yield from (Event(at, Access.READ, str(Path(folder, it))) for at, it in executed)
            executed.clear()
        if found["call"] == b"execve" and not path.startswith("/"):
            executed.append((time, path))
        elif access := _access(found["call"], found["rest"]):
            yield Event(time, access, str(Path(folder, path)), _text(found["opened"]))


def _access(call: bytes, rest: bytes) -> Access | None:
    if call in (b"execve", b"execveat"):
        return Access.READ
    if call == b"creat" or b"O_TRUNC" in rest or b"O_EXCL" in rest:
        return Access.REPLACED
    if b"O_WRONLY" in rest or b"O_PATH" in rest or b"O_DIRECTORY" in rest:
        return None
    return Access.READ


def _text(escaped: bytes | None) -> str:
    return os.fsdecode(bytes.fromhex((escaped or b"").replace(rb"\x", b"").decode()))
