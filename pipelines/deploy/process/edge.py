"""The edge of local processes: Caddy, which asks a file for each request where to lead it.

The files of all doors lie in one folder per release; the link `current` leads to one of these
folders. To move the link is the switch: one rename, for all doors, and it survives everything.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.compose.model import Healthcheck, Project, Restart, RestartPolicy, Service
from pipelines.deploy.engine import Traffic
from pipelines.deploy.site import Site
from pipelines.errors import ConfigError, Where, unwritable
from pipelines.files import write_atomically
from pipelines.stack import ports
from pipelines.stack.place import Place
from pipelines.stack.process import verbs
from pipelines.stack.stack import Stack

NAME = "edge"
_ID = "release"  # the file, beside the doors, with the release's id
_FAILED = 500  # statuses from here on are the release's fault
_RETRIED = "5s"  # how long a request waits for a service that does not listen yet
_START = 15.0  # seconds


class _Request(msgspec.Struct):
    """What is read of a line of Caddy's access log."""

    status: int = 0
    duration: float = 0.0  # seconds
    upstream: str = ""


class Edge:
    """The edge of one environment, under a supervisor of its own that no deploy touches."""

    def __init__(self, site: Site, doors: Mapping[str, int]) -> None:
        """`doors` maps services to ports of this machine."""
        self._site = site
        self._doors = doors
        self._place = Place(site.state / NAME)

    def check(self) -> None:
        """Raise `ConfigError` for a door that something else on this machine has."""
        if verbs.now(self._place).supervised:
            return
        for service, port in self._doors.items():
            if not ports.is_free(port):
                raise ConfigError(
                    f"port {port}, the door of {service}, is taken",
                    where=Where(self._site.environment.file),
                    hint="stop what listens there, or give `doors` another port",
                )

    def start(self) -> None:
        """Have it listen; one that runs as it should is left alone."""
        self._place.prepare()
        config = self._place.root / "caddy.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(config, json.dumps(self._config(self._health_port()), indent=2) + "\n")
        verbs.up(self._stack(config), only=(), timeout=_START, on_change=lambda _: None)

    def stop(self) -> None:
        verbs.down(self._place)

    def describe(self, release: str, addresses: Mapping[str, str]) -> None:
        """Write where the doors of a release lead; nothing is led there yet."""
        folder = self._folder(release)
        folder.mkdir(parents=True, exist_ok=True)
        for service in self._doors:
            write_atomically(folder / service, addresses[service])
        write_atomically(folder / _ID, release)

    def forget(self, release: str) -> None:
        """Remove what was written of a release."""
        folder = self._folder(release)
        for file in folder.glob("*"):
            file.unlink()
        if folder.exists():
            folder.rmdir()

    def switch(self, release: str) -> None:
        """Lead all doors to the release, in one move. Raises `MachineError`."""
        fresh = self._site.current.with_name("current.new")
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._folder(release).relative_to(self._site.state))
            fresh.replace(self._site.current)
            _sync(self._site.state)
        except OSError as error:
            raise unwritable(self._site.current, error) from error

    def close(self) -> None:
        """Lead nowhere."""
        self._site.current.unlink(missing_ok=True)

    def serving(self) -> str:
        """The id of the release that the doors lead to; empty for none."""
        try:
            return (self._site.current / _ID).read_text()
        except FileNotFoundError:
            return ""

    def traffic(self, release: str) -> Traffic:
        """What the access log says of the release."""
        folder = self._folder(release)
        upstreams = {file.read_text() for file in folder.glob("*") if file.name != _ID}
        seen = [it for it in self._requests() if it.upstream in upstreams]
        return Traffic(
            requests=len(seen),
            failed=sum(it.status >= _FAILED or not it.status for it in seen),
            seconds=sum(it.duration for it in seen),
        )

    def _requests(self) -> Iterator[_Request]:
        try:
            content = self._log.read_bytes()
        except FileNotFoundError:
            return
        for line in content.split(b"\n")[:-1]:
            try:
                yield msgspec.json.decode(line, type=_Request)
            except msgspec.DecodeError:  # a line that was cut where the disk was full
                continue

    def _folder(self, release: str) -> Path:
        return self._site.state / "doors" / release[:12]

    @property
    def _log(self) -> Path:
        return self._place.root / "access.log"

    def _health_port(self) -> int:
        """The port at which the edge says that it lives: chosen once, then kept."""
        file = self._place.root / "port"
        if not file.exists():
            write_atomically(file, str(ports.any_free()))
        return int(file.read_text())

    def _config(self, health: int) -> dict[str, Any]:
        """Caddy's own JSON; without its admin endpoint, as nothing is to be changed while it runs.

        Source: https://caddyserver.com/docs/json/
        """
        servers = {name: self._server(name, port) for name, port in self._doors.items()}
        alive = {"handler": "static_response", "status_code": 204}
        servers["alive"] = {
            "listen": [f"{ports.HOST}:{health}"],
            "routes": [{"handle": [alive]}],
            "automatic_https": {"disable": True},
        }
        access = {
            "include": ["http.log.access"],
            "writer": {"output": "file", "filename": str(self._log), "roll_size_mb": 50},
            "encoder": {
                "format": "filter",
                "wrap": {"format": "json"},
                # What a person sent is nobody's business here.
                "fields": {
                    name: {"filter": "delete"} for name in ("request", "resp_headers", "user_id")
                },
            },
        }
        default = {"level": "WARN", "exclude": ["http.log.access"]}
        return {
            "admin": {"disabled": True, "config": {"persist": False}},
            "logging": {"logs": {"default": default, "access": access}},
            "apps": {"http": {"servers": servers}},
        }

    def _server(self, service: str, port: int) -> dict[str, Any]:
        told = {
            "handler": "log_append",
            "key": "upstream",
            "value": "{http.reverse_proxy.upstream.hostport}",
        }
        address = f"{{file.{self._site.current / service}}}"
        nowhere = {
            "match": [{"vars": {address: [""]}}],
            "handle": [{"handler": "static_response", "status_code": 503, "close": True}],
            "terminal": True,
        }
        led = {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": address}],
            # Only what no service has seen yet is sent again.
            "load_balancing": {"try_duration": _RETRIED, "try_interval": "50ms"},
            "flush_interval": -1,
        }
        return {
            "listen": [f"{self._site.environment.address or ports.HOST}:{port}"],
            "logs": {},
            "automatic_https": {"disable": True},
            "protocols": ["h1"],
            "routes": [nowhere, {"handle": [told, led]}],
        }

    def _stack(self, config: Path) -> Stack:
        """The edge as a service, which is started anew when its configuration is another."""
        file = self._site.environment.file
        service = Service(
            name=NAME,
            where=Where(file),
            command=(str(self._site.python.parent / "caddy"), "run", "--config", str(config)),
            environment={
                "XDG_DATA_HOME": str(self._place.root),
                "XDG_CONFIG_HOME": str(self._place.root),
                "CONFIGURATION": hashlib.sha256(config.read_bytes()).hexdigest(),
            },
            expose=(self._health_port(),),
            healthcheck=Healthcheck(("CMD", "true"), interval=5, timeout=2, retries=2),
            restart=Restart(RestartPolicy.ALWAYS),
            extension={"probe": {"http": "/"}},
        )
        return Stack(self._place, Project(NAME, file, {NAME: service}))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
