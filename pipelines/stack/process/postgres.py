"""A real PostgreSQL without an installation: the server, started and stopped by ourselves."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pipelines.errors import MachineError
from pipelines.stack.ports import HOST, any_free
from pipelines.stack.process.account import Account, identity
from pipelines.stack.process.postgres_binaries import SHELTER, Binaries, Place, find_binaries, place
from pipelines.stack.process.postgres_initdb import ENVIRONMENT, initialise, last_error

__all__ = [
    "ENVIRONMENT",
    "Account",
    "Binaries",
    "Place",
    "Server",
    "command",
    "find_binaries",
    "forget_dead_server",
    "initialise",
    "is_ready",
    "place",
    "running",
    "stop",
]

_STOP_TIMEOUT = 10.0
_PATIENCE = 5.0  # for what a killed server leaves behind for a moment
_PAUSE = 0.005
# A server that was killed a moment ago: its children are still on their way out.
_STILL_DYING = ("is still in use", 'lock file "postmaster.pid" already exists')
_PORT_TAKEN = "Address already in use"


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL that takes connections."""

    host: str
    port: int
    superuser: str
    password: str = field(repr=False)
    pid: int


def command(binaries: Binaries, data: Path, *, port: int, host: str = HOST) -> list[str]:
    """The words that start the server as a direct child, in the foreground, logging to stderr.

    `host` is an address of this machine only. Commits are flushed to disk (`fsync` stays on).
    """
    settings = {
        "listen_addresses": host,
        "unix_socket_directories": "",
        "logging_collector": "off",
        "shared_buffers": "32MB",
        "max_wal_size": "256MB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "max_logical_replication_workers": "0",
    }
    if binaries.major >= 14 and sys.platform == "linux":
        # One call instead of one for each file: recovery after a kill takes milliseconds.
        settings["recovery_init_sync_method"] = "syncfs"
    if binaries.major >= 18:
        settings["io_method"] = "sync"  # the default would keep three idle workers
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [str(binaries.postgres), "-D", str(data), "-p", str(port), *options]


def forget_dead_server(data: Path) -> None:
    """Remove the lock file of a server that is gone.

    After a reboot its number may belong to any other program, and PostgreSQL would then refuse to
    start. Children of a dead server stay safe: the new one finds their shared memory by itself.
    """
    pid = _server_pid(data)
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE:
            return
    (data / "postmaster.pid").unlink(missing_ok=True)


def _server_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


@contextmanager
def running(
    data: Path,
    *,
    password: str,
    superuser: str = "postgres",
    port: int | None = None,
    timeout: float = 30.0,
    shelter: Path = SHELTER,
) -> Iterator[Server]:
    """A server on `data`, made at need, that takes connections; stopped at the end.

    Without a `port` a free one is taken. The log stands beside the data, with the ending `.log`.
    Raises `MachineError`, also when the server is not ready after `timeout` seconds.
    """
    home = place(find_binaries(), data, shelter=shelter)
    initialise(
        home.binaries, home.data, superuser=superuser, password=password, account=home.account
    )
    process, port = _start(home, port, timeout)
    try:
        yield Server(HOST, port, superuser, password, process.pid)
    finally:
        stop(process)


def _start(home: Place, port: int | None, timeout: float) -> tuple[subprocess.Popen[bytes], int]:
    log = home.data.with_name(f"{home.data.name}.log")
    started = time.monotonic()
    while True:
        forget_dead_server(home.data)
        chosen = port or any_free()
        process = _launch(home, chosen, log)
        try:
            if _becomes_ready(process, home.data, started + timeout):
                return process, chosen
        except BaseException:
            stop(process)
            raise
        has_ended = process.poll() is not None
        stop(process)
        text = log.read_text(errors="replace")
        is_late = time.monotonic() > started + min(timeout, _PATIENCE)
        if not has_ended or is_late or not _may_pass(text, is_port_free=port is None):
            said = last_error(text) if has_ended else f"not ready after {timeout:g}s"
            raise MachineError(f"PostgreSQL did not start: {said}", hint=f"see {log}")
        time.sleep(_PAUSE)


def _may_pass(text: str, *, is_port_free: bool) -> bool:
    """Whether a start that ended with this log can succeed a moment later."""
    reasons = (*_STILL_DYING, _PORT_TAKEN) if is_port_free else _STILL_DYING
    return any(reason in text for reason in reasons)


def _launch(home: Place, port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command(home.binaries, home.data, port=port),
            **identity(home.account),
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us, who then stop it in order
        )


def _becomes_ready(process: subprocess.Popen[bytes], data: Path, deadline: float) -> bool:
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready(data, process.pid):
            return True
        time.sleep(_PAUSE)
    return False


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server with this process id takes connections, by its own word.

    The eighth line of `postmaster.pid` says so (as pg_ctl reads it). Unlike an answer on the port
    it cannot come from a foreign server.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def stop(process: subprocess.Popen[bytes], *, timeout: float = _STOP_TIMEOUT) -> None:
    """End the server: connections are cut and everything is written; killed after `timeout`."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
