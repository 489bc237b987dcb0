"""Serves a service in a child that is started anew when its source changes: for development."""

import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from socket import socket

import uvicorn

SERVICES = Path(__file__).parents[1]


def serve(name: str) -> int:
    """Keep a child serving `name` until a signal; one that fails waits for the next change."""
    from uvicorn.supervisors import ChangeReload  # noqa: PLC0415 - for development only

    watched = [str(SERVICES / folder) for folder in ("kit", name)]
    config = uvicorn.Config(f"services.{name}.app", reload=True, reload_dirs=watched)
    ChangeReload(config, target=partial(_child, name), sockets=[]).run()
    return 0


def _child(name: str, sockets: list[socket] | None = None) -> None:
    # By name: what a spawned child is given is pickled, and this module's parent is `__main__`.
    sys.exit(import_module("services.kit.serve").once(name))
