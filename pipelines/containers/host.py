"""The container engine of this machine: started where nothing starts it, stopped by who did."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from pipelines import console, state
from pipelines.containers import daemon, packages
from pipelines.containers.client import EngineDown, connect, endpoint
from pipelines.errors import MachineError

PATIENCE = 60.0  # seconds for the engine to answer, and to end
_LOG = "engine.log"  # below `.summit`
_NOTE = "engine.json"


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
    if daemon.noted(root / state.FOLDER / _NOTE):
        raise MachineError(
            "the engine that was started here does not answer (yet)",
            hint=f"see {root / state.FOLDER / _LOG}; `./inv engine.stop` ends it",
        )
    state.make(str(root))
    words = ["dockerd", *([f"--config-file={config}"] if config else [])]
    started = daemon.launch(words, root / state.FOLDER / _LOG)
    try:
        daemon.note(root / state.FOLDER / _NOTE, started.pid)
        _wait(root, started)
    except BaseException:
        daemon.end(started.pid, PATIENCE)
        (root / state.FOLDER / _NOTE).unlink(missing_ok=True)
        raise
    console.progress(f"engine: {_answer()}; its log is {root / state.FOLDER / _LOG}")


def stop(root: Path) -> None:
    """End the engine that `start` started here, and with it its containers."""
    file = root / state.FOLDER / _NOTE
    running = daemon.noted(file)
    if running is None:
        console.progress("no engine was started from here")
        return
    daemon.end(running.pid, PATIENCE)
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


def _wait(root: Path, started: psutil.Popen) -> None:
    def look() -> None:
        if started.poll() is not None:
            said = daemon.last_words(root / state.FOLDER / _LOG)
            raise MachineError(f"dockerd ended with exit code {started.returncode}: {said}")
        with connect():
            pass

    Retrying(
        retry=retry_if_exception_type(EngineDown),
        wait=wait_exponential(multiplier=0.05, max=1),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )(look)
