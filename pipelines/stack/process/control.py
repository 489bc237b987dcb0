"""What a command and the supervisor say to each other: JSON lines over a Unix socket.

A command sends one request; the supervisor answers with the statuses that it asked for, each again
when it changes, and ends with `Done`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from pipelines.errors import SummitError
from pipelines.stack.place import Place
from pipelines.stack.process.launch import Launch
from pipelines.stack.status import Status

SOCKET = "control.sock"
LONGEST_REQUEST = 16 * 1024 * 1024  # bytes in one line
_DESCRIPTORS = Path("/proc/self/fd")
_entering = threading.Lock()


class Up(msgspec.Struct, tag="up"):
    """Make these launches so: start what does not run, restart what is different, run the jobs."""

    launches: list[Launch]
    preload: list[str]
    python: str  # that imports them


class Restart(msgspec.Struct, tag="restart"):
    names: list[str]


class Down(msgspec.Struct, tag="down"):
    """Stop everything, dependents first, and end the supervisor."""


class Watch(msgspec.Struct, tag="watch"):
    """Tell the statuses; the command closes the connection when it has seen enough."""


class Now(msgspec.Struct, tag="now"):
    """Tell the statuses once, and the launches they belong to."""


class Told(msgspec.Struct, tag="told"):
    status: Status


class Runs(msgspec.Struct, tag="runs"):
    launch: Launch


class Done(msgspec.Struct, tag="done"):
    pass


Request = Up | Restart | Down | Watch | Now
Reply = Told | Runs | Done


def _to_path(kind: type, value: str) -> Path:
    assert kind is Path, kind
    return Path(value)


encode = msgspec.json.Encoder(enc_hook=os.fspath).encode
decode_request = msgspec.json.Decoder(Request, dec_hook=_to_path).decode
decode_reply = msgspec.json.Decoder(Reply, dec_hook=_to_path).decode


class SupervisorGone(SummitError):
    """The supervisor ended in the middle of a request."""

    def __init__(self) -> None:
        super().__init__("the supervisor ended unexpectedly", hint="`inv up` puts it right")


def ask(
    place: Place, request: Request, *, timeout: Callable[[], float] | None = None
) -> Iterator[Reply]:
    """Send a request and yield the replies up to `Done`.

    `timeout` says how many seconds are left for the next reply: TimeoutError when there are none.
    Raises ConnectionError or FileNotFoundError when no supervisor listens, SupervisorGone when it
    ends before `Done`.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        with _short(place.state) as folder:
            channel.connect(f"{folder}/{SOCKET}")
        channel.sendall(encode(request) + b"\n")
        with channel.makefile("rb") as lines:
            while True:
                if timeout is not None:
                    channel.settimeout(max(0.001, timeout()))
                line = lines.readline()
                if not line:
                    raise SupervisorGone
                reply = decode_reply(line)
                if isinstance(reply, Done):
                    return
                yield reply


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A short name for the folder: a socket's path is limited to about 100 bytes.

    Nobody enters the folder where there is another way: that would move every thread of a run.
    """
    if not _DESCRIPTORS.is_dir():  # macOS
        with _entering, contextlib.chdir(folder):
            yield "."
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"{_DESCRIPTORS}/{descriptor}"
    finally:
        os.close(descriptor)


def write_snapshot(file: Path, statuses: list[Status]) -> None:
    """Replace the snapshot; it is a convenience for `ps`, so it is not worth an fsync."""
    temporary = file.with_suffix(".new")
    temporary.write_bytes(encode(statuses))
    temporary.replace(file)


def read_snapshot(file: Path) -> list[Status]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[Status])
    except (FileNotFoundError, msgspec.DecodeError):
        return []
