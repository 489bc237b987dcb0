"""The edge while it runs: asked and told by HAProxy's runtime API, and what outlives it on disk.

https://docs.haproxy.org/3.0/management.html#9.3 has the commands and what they answer.
"""

from __future__ import annotations

import os
import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from pipelines.deploy.docker.haproxy import (
    CONFIG,
    FOLDER,
    KEY,
    MAP,
    NOWHERE,
    SOCKET,
    TABLE,
    TICK,
)
from pipelines.deploy.engine import Traffic
from pipelines.errors import MachineError
from pipelines.files import write_atomically

_ANSWER = 5.0  # seconds for an answer
_START = 15.0  # seconds for the edge to listen
_FOUND = 15.0  # seconds for it to know where a release is; it looks three times a second
_PAUSE = 0.02
_SERVER = re.compile(
    r"^\d+ (?P<backend>\S+) \d+ one\d+ (?P<address>\S+) (?P<state>\d+) ", re.MULTILINE
)
_UP = "2"  # SRV_ST_RUNNING


class EdgeDown(MachineError):
    """The edge does not answer."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the edge does not answer: {why}", hint="the next deploy starts it")


class Lead(NamedTuple):
    """Where the edge leads: to the release in a slot; both are empty for nowhere."""

    slot: str = ""
    release: str = ""


class Edge(ABC):
    """The edge, wherever it runs; how it is reached and what it keeps is up to who runs it."""

    @abstractmethod
    def ask(self, command: str) -> str:
        """One command, and its answer. Raises `EdgeDown`."""

    @abstractmethod
    def will_lead_to(self) -> Lead:
        """Where it will lead once it is started, as its map on the disk says."""

    @abstractmethod
    def remember(self, to: Lead) -> None:
        """Have it lead there once it is started again."""

    def wait(self) -> None:
        """Return once it answers. Raises `EdgeDown`."""
        Retrying(
            retry=retry_if_exception_type(EdgeDown),
            wait=wait_fixed(_PAUSE),
            stop=stop_after_delay(_START),
            reraise=True,
        )(self.ask, "show info")

    def leads_to(self) -> Lead:
        """Where it leads now, by its own word. Raises `EdgeDown`."""
        for line in self.ask(f"show map {FOLDER}/{MAP}").splitlines():
            if line.split()[1:2] == [KEY]:
                return lead_of(line.split()[2])
        raise EdgeDown("it has lost its map")

    def lead(self, to: Lead) -> None:
        """Lead all doors there in one move, and again after a restart. Raises `EdgeDown`.

        What it is told comes first: that it does not know after a restart is mended by `settle`.
        """
        if refused := self.ask(f"set map {FOLDER}/{MAP} {KEY} {value_of(to)}").strip():
            raise EdgeDown(refused)
        self.remember(to)

    def settle(self) -> None:
        """See that a restart changes nothing, also when who told it last was killed meanwhile."""
        now = self.leads_to()
        if now != self.will_lead_to():
            self.remember(now)

    def find(self, addresses: Mapping[str, Collection[str]]) -> None:
        """Return once it knows all addresses of these backends. Raises `EdgeDown`."""

        def missing() -> list[str]:
            state = self.ask("show servers state")
            known = {
                (found["backend"], found["address"])
                for found in _SERVER.finditer(state)
                if found["state"] == _UP
            }
            return [name for name, them in addresses.items() if {(name, it) for it in them} - known]

        lost = Retrying(
            retry=retry_if_result(bool),
            wait=wait_fixed(_PAUSE),
            stop=stop_after_delay(_FOUND),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else [],
        )(missing)
        if lost:
            raise EdgeDown(f"it does not find {', '.join(lost)}")

    def sessions(self, slot: str) -> int:
        """How many requests the services in a slot still answer."""
        rows = self.ask("show stat -1 2 -1").splitlines()  # backends alone
        names = rows[0].removeprefix("# ").split(",")
        stats = [dict(zip(names, row.split(","), strict=False)) for row in rows[1:] if row]
        ours = (it for it in stats if it["pxname"].endswith(f".{slot}"))
        return sum(int(it["scur"]) for it in ours)

    def drain(self, slot: str, timeout: float) -> None:
        """Return once the services in the slot have answered everything, or after the timeout."""
        Retrying(
            retry=retry_if_result(bool),
            wait=wait_fixed(_PAUSE),
            stop=stop_after_delay(timeout),
            retry_error_callback=lambda _: None,
        )(self.sessions, slot)

    def traffic(self, release: str) -> Traffic:
        """What it has counted for the release since it was started."""
        said = self.ask(f"show table {TABLE} key {release}")
        counts = dict(re.findall(r"\bgpc(\d)=(\d+)", said))
        if not counts:
            return Traffic()
        return Traffic(int(counts["0"]), int(counts["1"]), int(counts["2"]) * TICK)


@dataclass(frozen=True)
class EdgeHere(Edge):
    """The edge with its files in `folder`: `etc`, which it only reads, and `run` for its socket."""

    folder: Path

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def describe(self, configuration: str, owner: int | None) -> None:
        """Write what it reads when it starts; `owner` is its user where that is another than ours.

        The map is written once: from then on it holds what the edge was told last.
        """
        self.etc.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)
        if owner is not None:
            os.chown(self.run, owner, owner)
        write_atomically(self.etc / CONFIG, configuration)
        if not (self.etc / MAP).exists():
            self.remember(Lead())

    def will_lead_to(self) -> Lead:
        """Where it will lead once it is started, as its map on the disk says."""
        file = self.etc / MAP
        return lead_of(file.read_text().split()[1]) if file.exists() else Lead()

    def remember(self, to: Lead) -> None:
        write_atomically(self.etc / MAP, f"{KEY} {value_of(to)}\n")

    def ask(self, command: str) -> str:
        """One command, and its answer. Raises `EdgeDown`."""
        try:
            # By the folder's descriptor: the path of a socket may have 107 bytes and no more.
            folder = os.open(self.run, os.O_RDONLY | os.O_DIRECTORY)
            try:
                with socket.socket(socket.AF_UNIX) as asked:
                    asked.settimeout(_ANSWER)
                    asked.connect(f"/proc/self/fd/{folder}/{SOCKET}")
                    asked.sendall(f"{command}\n".encode())
                    with asked.makefile("rb") as answer:
                        return answer.read().decode()
            finally:
                os.close(folder)
        except OSError as error:
            raise EdgeDown((error.strerror or str(error)).lower()) from error


def value_of(to: Lead) -> str:
    return f"{to.slot or NOWHERE}/{to.release}"


def lead_of(value: str) -> Lead:
    slot, _, release = value.partition("/")
    return Lead(slot, release) if release else Lead()
