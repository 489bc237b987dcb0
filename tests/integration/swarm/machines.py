"""Three imitated hosts: a network namespace each, a container engine in it, one bridge between.

Run as a program, with a folder as its word: it makes them, says where they are in one line of JSON,
and removes everything when its standard input ends, also because whoever started it was killed.
They share one kernel, one disk and one clock with one another.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

COUNT = 3
_PATIENCE = 30.0  # seconds for an engine to answer, and to end
_LOOK = 0.05


class Machines:
    """All of them; their names have our process's number in it."""

    def __init__(self, folder: Path, owner: int) -> None:
        self.folder = folder
        self.owner = owner
        self.bridge = f"swb{owner}"
        self.subnet = f"198.18.{owner % 250}"  # set aside for tests of networks (RFC 2544)
        self.engines: dict[int, subprocess.Popen[bytes]] = {}
        self.registry: subprocess.Popen[bytes] | None = None

    def namespace(self, number: int) -> str:
        return f"summit-swarm-{self.owner}-{number}"

    def address(self, number: int) -> str:
        return f"{self.subnet}.{10 + number}"

    def socket(self, number: int) -> str:
        return str(self.folder / f"{number}.sock")

    def make(self) -> dict[str, object]:
        self._bridge()
        self._registry()
        for number in range(1, COUNT + 1):
            self._plug_in(number)
            self._start(number)
        for number in self.engines:
            Retrying(
                retry=retry_if_result(bool),
                wait=wait_fixed(_LOOK),
                stop=stop_after_delay(_PATIENCE),
            )(_is_silent, self.socket(number))
        return {
            "registry": f"{self.subnet}.1:5000",
            "machines": [
                {
                    "socket": f"unix://{self.socket(number)}",
                    "address": self.address(number),
                    "namespace": self.namespace(number),
                    "pid": engine.pid,
                }
                for number, engine in self.engines.items()
            ],
        }

    def remove(self) -> None:
        programs = [*self.engines.values(), *([self.registry] if self.registry else [])]
        for program in programs:
            program.terminate()
        for program in programs:
            try:
                program.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        sweep(self.owner, self.folder)

    def _bridge(self) -> None:
        _run("ip", "link", "add", self.bridge, "type", "bridge")
        _run("ip", "address", "add", f"{self.subnet}.1/24", "dev", self.bridge)
        _run("ip", "link", "set", self.bridge, "up")
        _run("iptables", "--wait", "-I", *_rule(self.bridge))

    def _registry(self) -> None:
        config = {
            "version": "0.1",
            "log": {"accesslog": {"disabled": True}, "level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "registry")}},
            "http": {"addr": f"{self.subnet}.1:5000"},
        }
        file = self.folder / "registry.json"
        file.write_text(json.dumps(config))
        with (self.folder / "registry.log").open("wb") as log:
            self.registry = subprocess.Popen(
                ["docker-registry", "serve", str(file)], stdout=log, stderr=log
            )

    def _plug_in(self, number: int) -> None:
        name, plug = self.namespace(number), f"sw{number}p{self.owner}"
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "link", "set", plug, "master", self.bridge, "up")
        inside = ("ip", "-netns", name)
        _run(*inside, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _run(*inside, "link", "set", link, "up")
        _run(*inside, "route", "add", "default", "via", f"{self.subnet}.1")

    def _start(self, number: int) -> None:
        place = self.folder / str(number)
        config = {
            "data-root": str(place / "data"),
            "exec-root": str(place / "exec"),
            "pidfile": str(place / "pid"),
            "hosts": [f"unix://{self.socket(number)}"],
            "bip": f"172.30.{number}.1/24",
            "default-address-pools": [{"base": f"172.31.{number * 16}.0/20", "size": 26}],
            "insecure-registries": [f"{self.subnet}.1:5000"],
            "no-new-privileges": True,
        }
        place.mkdir()
        file = place / "daemon.json"
        file.write_text(json.dumps(config))
        # `ip netns exec` would hide the cgroups.
        line = f"hostname machine-{number}; exec dockerd --config-file {file}"
        with (place / "log").open("wb") as log:
            self.engines[number] = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self.namespace(number)}"),
                    *("unshare", "--uts", "sh", "-c", line),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is not for them
            )


def sweep(owner: int, folder: Path | None = None) -> None:
    """Remove what the machines of this process have of the kernel, and their folder."""
    for name in _namespaces(owner):
        for pid in _output("ip", "netns", "pids", name).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        _run("ip", "netns", "delete", name, is_needed=False)
    bridge = f"swb{owner}"
    _run("iptables", "--wait", "-D", *_rule(bridge), is_needed=False)
    _run("ip", "link", "delete", bridge, is_needed=False)
    if folder:
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in sorted((it for it in mounts if Path(it).is_relative_to(folder)), reverse=True):
            _run("umount", "--lazy", mount, is_needed=False)
        shutil.rmtree(folder, ignore_errors=True)


def sweep_others() -> None:
    """Remove what is left of machines whose process was killed."""
    for line in _output("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith("summit-swarm-"):
            owner = int(name.split("-")[2])
            if not Path(f"/proc/{owner}").exists():
                sweep(owner)


def _namespaces(owner: int) -> list[str]:
    names = [line.split()[0] for line in _output("ip", "netns", "list").splitlines()]
    return [name for name in names if name.startswith(f"summit-swarm-{owner}-")]


def _rule(bridge: str) -> tuple[str, ...]:
    return ("DOCKER-USER", "-i", bridge, "-o", bridge, "-j", "ACCEPT")


def _run(*words: str, is_needed: bool = True) -> None:
    subprocess.run(words, check=is_needed, capture_output=True, text=True)


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _is_silent(socket: str) -> bool:
    asked = ["docker", f"--host=unix://{socket}", "info"]
    return subprocess.run(asked, check=False, capture_output=True).returncode != 0


def main() -> None:
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of our input is what counts
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sweep_others()
    machines = Machines(folder, os.getpid())
    try:
        sys.stdout.write(json.dumps(machines.make()) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        machines.remove()


if __name__ == "__main__":
    main()
