"""A registry of images on this machine, for as long as somebody wants it: Debian's own program."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path

import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

from pipelines import console, state
from pipelines.containers import daemon, packages
from pipelines.errors import MachineError
from pipelines.files import write_atomically

HOST, PORT = "127.0.0.1", 5000
PATIENCE = 30.0  # seconds for it to answer, and to end
_ANSWER = 2.0  # seconds
_FOLDER = "registry"  # below `.summit`


def start(root: Path, *, port: int = PORT) -> str:
    """Have a registry that answers at this port of the loopback; returns its address.

    One that answers already is taken as it is. What it holds outlives it, in `.summit/registry`.
    Raises `MachineError`.
    """
    address = f"{HOST}:{port}"
    if answers(address):
        console.progress(f"a registry answers already at {address}")
        return address
    packages.install(packages.REGISTRY)
    folder = Path(state.make(str(root)), _FOLDER)
    folder.mkdir(exist_ok=True)
    if running := daemon.noted(folder / "daemon.json"):
        raise MachineError(
            f"the registry that was started here is at {running.address}",
            hint="`./inv registry.stop` ends it",
        )
    write_atomically(folder / "config.yml", json.dumps(_config(folder, address), indent=2) + "\n")
    log = folder / "log"
    started = daemon.launch(["docker-registry", "serve", str(folder / "config.yml")], log)
    try:
        daemon.note(folder / "daemon.json", started.pid, address)
        Retrying(
            retry=retry_if_result(lambda there: not there),
            wait=wait_exponential(multiplier=0.02, max=0.5),
            stop=stop_after_delay(PATIENCE),
            retry_error_callback=lambda _: False,
        )(lambda: answers(address) or started.poll() is not None)
        if not answers(address):
            said = daemon.last_words(log)
            raise MachineError(f"no registry at {address}: {said}", hint="try another --port")
    except BaseException:
        daemon.end(started.pid, PATIENCE)
        (folder / "daemon.json").unlink(missing_ok=True)
        raise
    console.progress(f"registry: {address}; its log is {log}")
    return address


def stop(root: Path) -> None:
    """End the registry that `start` started here, and no other; what it holds stays."""
    file = root / state.FOLDER / _FOLDER / "daemon.json"
    running = daemon.noted(file)
    if running is None:
        console.progress("no registry was started from here")
        return
    daemon.end(running.pid, PATIENCE)
    file.unlink(missing_ok=True)
    console.progress("the registry has ended")


def address(root: Path) -> str:
    """The address of the registry that was started here; empty when none runs."""
    running = daemon.noted(root / state.FOLDER / _FOLDER / "daemon.json")
    return running.address if running else ""


def answers(address: str) -> bool:
    """Whether a registry answers there, also one that wants to know who asks.

    https://distribution.github.io/distribution/spec/api/#api-version-check
    """
    try:
        said = requests.get(f"http://{address}/v2/", timeout=_ANSWER)
    except requests.RequestException:
        return False
    known = said.headers.get("Docker-Distribution-Api-Version") == "registry/2.0"
    return known and said.status_code in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED)


def _config(folder: Path, address: str) -> dict[str, object]:
    """https://distribution.github.io/distribution/about/configuration/; JSON is YAML."""
    return {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "delete": {"enabled": True},
        },
        "http": {"addr": address},
    }
