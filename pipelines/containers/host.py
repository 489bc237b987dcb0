"""The container engine of this machine: started where nothing starts it, stopped by who did."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipelines import console, state
from pipelines.containers import packages
from pipelines.containers.client import EngineDown, connect, endpoint
from pipelines.errors import MachineError
from pipelines.files import write_atomically
from pipelines.programs import identity, process

PATIENCE = 60.0  # seconds for the engine to answer, and to end
_LOG = "engine.log"  # below `.summit`
_NOTE = "engine.json"


class Daemon(msgspec.Struct, frozen=True):
    """A process by its number, and by what tells it from a later one of that number."""

    pid: int
    identity: str | None


def start(root: Path, *, config: Path | None = None) -> None:
    """Have an engine that answers, and its commands: install what is missing, start what does not.

    `config` is its configuration file, instead of /etc/docker/daemon.json. Raises `MachineError`.
    """
    if about := _answer():
        packages.install(packages.CLIENT)
        console.progress(f"an engine answers already: {about}")
        return
    packages.install(packages.ENGINE | packages.CLIENT)
    if about := _answer():  # its package started it
        console.progress(f"engine: {about}")
        return
    _refuse_others()
    if _noted(root / state.FOLDER / _NOTE):
        raise MachineError(
            "the engine that was started here does not answer (yet)",
            hint=f"see {root / state.FOLDER / _LOG}; `./inv engine.stop` ends it",
        )
    daemon = _launch(root, config)
    try:
        _note(root, daemon.pid)
        _wait(root, daemon)
    except BaseException:
        _end(daemon)
        (root / state.FOLDER / _NOTE).unlink(missing_ok=True)
        raise
    console.progress(f"engine: {_answer()}; its log is {root / state.FOLDER / _LOG}")


def stop(root: Path) -> None:
    """End the engine that `start` started here, and with it its containers."""
    file = root / state.FOLDER / _NOTE
    daemon = _noted(file)
    if daemon is None:
        console.progress("no engine was started from here")
        return
    _end(daemon)
    file.unlink(missing_ok=True)
    console.progress("the engine has ended")


def _answer() -> str:
    """What the engine says of itself; nothing when there is none."""
    try:
        with connect() as client:
            return f"docker {client.version()['Version']} at {endpoint()['base_url']}"
    except EngineDown:
        return ""


def _refuse_others() -> None:
    """Only an engine of this machine can be started here, and only by root."""
    address = str(endpoint()["base_url"])
    if not address.startswith(("unix://", "http+unix://")):
        raise MachineError(f"{address} is not on this machine", hint="start the engine there")
    if os.geteuid() != 0:
        raise MachineError("only root starts an engine", hint="run `./inv engine.start` as root")


def _launch(root: Path, config: Path | None) -> psutil.Popen:
    """Start the daemon so that it outlives this program, and what started this one."""
    state.make(str(root))
    words = ["dockerd", *([f"--config-file={config}"] if config else [])]
    console.command(words)
    env = {name: value for name, value in os.environ.items() if name != process.MARK}
    try:
        with (root / state.FOLDER / _LOG).open("wb") as log:
            return psutil.Popen(
                words,
                env=env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        raise MachineError(f"cannot start dockerd: {error.strerror}") from error


def _note(root: Path, pid: int) -> None:
    """Leave word of the daemon at once, so that `stop` ends it although `start` was killed."""
    note = Daemon(pid, identity.of(pid))
    write_atomically(root / state.FOLDER / _NOTE, msgspec.json.encode(note).decode())


def _wait(root: Path, daemon: psutil.Popen) -> None:
    def look() -> None:
        if daemon.poll() is not None:
            lines = (root / state.FOLDER / _LOG).read_text(errors="replace").strip().splitlines()
            said = lines[-1] if lines else "no reason given"
            raise MachineError(f"dockerd ended with exit code {daemon.returncode}: {said}")
        with connect():
            pass

    Retrying(
        retry=retry_if_exception_type(EngineDown),
        wait=wait_exponential(multiplier=0.05, max=1),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )(look)


def _noted(file: Path) -> psutil.Process | None:
    """The daemon that was started from here, if it still runs."""
    try:
        note = msgspec.json.decode(file.read_bytes(), type=Daemon)
        found = psutil.Process(note.pid)
        return found if identity.of(note.pid) == note.identity else None
    except (FileNotFoundError, msgspec.DecodeError, psutil.NoSuchProcess):
        return None


def _end(daemon: Any) -> None:
    with suppress(psutil.NoSuchProcess):  # it has ended by itself
        daemon.terminate()
        try:
            daemon.wait(PATIENCE)
        except psutil.TimeoutExpired:
            daemon.kill()
            daemon.wait(PATIENCE)
