"""The engine of a machine that SSH leads to, as a socket of this one.

The `docker` library speaks SSH too, by a connection for each few requests, and breaks where the
other side ends one first. This is one connection, by the person's own `ssh` and its configuration.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.errors import MachineError
from pipelines.programs import process

_ENGINE = "/var/run/docker.sock"  # there
_LOOK = 0.02
_OPTIONS = (  # nobody is asked anything, and a socket that cannot be led to is an end
    *("-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindMask=0177"),
    *("-o", "ControlPath=none", "-T"),
)


class NoTunnel(MachineError):
    """SSH does not lead there."""


@contextmanager
def opened(address: str, *, timeout: float) -> Iterator[str]:
    """The address of the socket, for `ssh://[USER@]HOST[:PORT]`, for as long as this lasts.

    It ends with this process, however that ends, since what runs there reads from it. Raises
    `NoTunnel`, also after `timeout` seconds.
    """
    url = urlsplit(address)
    where = (*(("-l", url.username) if url.username else ()), *_port(url.port))
    with tempfile.TemporaryDirectory(prefix="summit-tunnel-") as folder:
        socket = Path(folder, "engine.sock")
        words = ("ssh", *_OPTIONS, "-L", f"{socket}:{_ENGINE}", *where, "--", url.hostname or "")
        with process.beside((*words, "cat")) as program:
            try:
                Retrying(
                    retry=retry_if_result(bool),
                    wait=wait_fixed(_LOOK),
                    stop=stop_after_delay(timeout),
                )(lambda: program.poll() is None and not socket.exists())
            except RetryError:
                raise NoTunnel(f"{address} has not answered within {timeout:g} s") from None
            if program.poll() is not None:
                raise NoTunnel(f"ssh does not lead to {address}: {_said(program)}")
            yield f"unix://{socket}"


def _port(port: int | None) -> tuple[str, ...]:
    return ("-p", str(port)) if port else ()


def _said(program: Popen[bytes]) -> str:
    text = program.stderr.read().decode(errors="replace") if program.stderr else ""
    return (text.strip().splitlines() or ["it says nothing"])[-1]
