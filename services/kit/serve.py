"""Runs one service in this process: `python -m services.kit.serve [NAME]`.

Without a name it is the one that SERVICE names, as an image does.
SIGTERM and SIGINT turn `/readyz` to 503, then connections are refused, requests at hand are
finished within `drain_seconds`, and the exit code is 0. A failure to start is one line, not 0.
With RELOAD set, which production refuses, it starts anew whenever its source changes.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import cast

import uvicorn

from services.kit import logs, reload, telemetry
from services.kit.asgi import Kit
from services.kit.command import FAILED, MISUSED, refuse
from services.kit.settings import ServiceSettings, SettingsError

BACKLOG = 2048

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """A server that says it is not ready before it refuses connections, and exits 0 on a signal."""

    def __init__(self, config: uvicorn.Config, kit: Kit, grace: float) -> None:
        super().__init__(config)
        self._kit = kit
        self._grace = grace

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; a second one waits no longer.

        Not the parent's way, which raises the signal again at the end and so dies of it.
        """
        if self._kit.health.is_stopping:
            self.should_exit = self.force_exit = True
            return
        log.info("stopping on %s", signal.Signals(sig).name)
        self._kit.stop()
        asyncio.get_running_loop().call_later(self._grace, self._drain)

    def _drain(self) -> None:
        self.should_exit = True


def main(arguments: list[str]) -> int:
    """Serve the service named in `arguments`, else in SERVICE, until a signal; return the code."""
    name, *more = arguments or [os.environ.get("SERVICE", "")]
    if more or not name.isidentifier():
        return refuse(MISUSED, "usage: python -m services.kit.serve NAME, or set SERVICE")
    if find_spec(f"services.{name}") is None:
        return refuse(MISUSED, f"no service called {name!r} in `services`")
    try:
        settings = _settings(name)
    except SettingsError as error:
        return refuse(MISUSED, *error.faults)
    if settings.reload:
        return reload.serve(name)
    return _run(name, settings)


def once(name: str) -> int:
    """Serve the service with its settings as they are now, whether or not it is to be reloaded."""
    try:
        return _run(name, _settings(name))
    except SettingsError as error:
        return refuse(MISUSED, *error.faults)


def _run(name: str, settings: ServiceSettings) -> int:
    try:
        listener = _bind(settings.host, settings.port)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        return refuse(FAILED, f"{name} cannot listen on {place}: {error.strerror}; set PORT")
    logs.configure(name, settings.log_level)
    telemetry.prepare(name)
    try:
        return _serve(name, settings, listener)
    except (ValueError, OSError) as error:
        return refuse(FAILED, f"{name} did not start: {error}")
    finally:
        listener.close()


def _settings(name: str) -> ServiceSettings:
    return cast(ServiceSettings, import_module(f"services.{name}.settings").Settings())


def _bind(host: str, port: int) -> socket.socket:
    """Take the port without listening yet: until the service has started, it is refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _serve(name: str, settings: ServiceSettings, listener: socket.socket) -> int:
    kit = cast(Kit, import_module(f"services.{name}.app").create_app(settings))
    config = uvicorn.Config(
        kit,
        http="httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.drain_seconds,  # type: ignore[arg-type]
    )
    server = _Server(config, kit, settings.readiness_grace_seconds)
    server.run(sockets=[listener])
    return 0 if server.started else FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
