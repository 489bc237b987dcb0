"""A Python that imports the services' modules once and is then forked for each of them.

`python -P interpreter.py MODULE...` speaks on standard input, a Unix socket: it reads requests, a
JSON document each with the write end of a log pipe as ancillary data, and answers with JSON lines:
`{"ready": {...}}`, `{"forked": PID}`, `{"exited": PID, "code": N}` (N as `subprocess` counts).

It stays single-threaded and opens nothing else, so that a fork copies memory and nothing more; what
was imported is shared between the services until one writes to it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

MAX_REQUEST = 1 << 20  # bytes


class Forked(Exception):
    """Raised in the child, to leave the parent's loop behind before the service begins."""

    def __init__(self, request: dict[str, Any], log: int) -> None:
        self.request = request
        self.log = log


def main(modules: list[str]) -> None:
    channel = socket.socket(fileno=0)
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it
    started = time.time_ns()
    preload(modules)
    # The collector would write to every object, and so copy every shared page. Nor is it asked to
    # collect first: the holes it makes in shared pages would be filled, and the pages copied.
    gc.freeze()
    say(channel, {"ready": {"started": started, "files": own_files()}})
    try:
        serve(channel)
        return
    except Forked as raised:
        child = raised
    # Outside of `except`: else every exception of the service would drag this one along.
    become(child, channel)


def preload(modules: list[str]) -> None:
    """Import the modules; one that cannot be imported is left to its own service to fail on."""
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit):
            traceback.print_exc()  # into the log `interpreter`


def own_files() -> list[str]:
    """The imported files of this checkout: once one of them changes, this interpreter is stale."""
    here = f"{Path.cwd()}{os.sep}"
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    installed = (sys.prefix, str(Path(sys.prefix).resolve()))  # `.venv` is a link
    return [f for f in files if f and f.startswith(here) and not f.startswith(installed)]


def serve(channel: socket.socket) -> None:
    """Fork on request and report who exited, until the supervisor is gone."""
    wakeup, poke = os.pipe()
    for end in (wakeup, poke):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(poke)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with selectors.DefaultSelector() as ready:
        ready.register(channel, selectors.EVENT_READ)
        ready.register(wakeup, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fd == wakeup:
                    os.read(wakeup, 4096)
                    report_exits(channel)
                elif not answer(channel, (wakeup, poke)):
                    return


def answer(channel: socket.socket, own: tuple[int, int]) -> bool:
    message, logs, _, _ = socket.recv_fds(channel, MAX_REQUEST, 1)
    if not message:
        return False
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        for end in own:
            os.close(end)
        raise Forked(json.loads(message), logs[0])
    os.close(logs[0])
    say(channel, {"forked": pid})
    return True


def report_exits(channel: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        say(channel, {"exited": pid, "code": os.waitstatus_to_exitcode(status)})


def say(channel: socket.socket, message: dict[str, Any]) -> None:
    try:
        channel.sendall(json.dumps(message).encode() + b"\n")
    except BrokenPipeError:
        raise SystemExit(0) from None  # the supervisor is gone


def become(child: Forked, channel: socket.socket) -> None:
    """Turn this fork into the service: its own session, environment and output, then its module."""
    channel.detach()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(child.log, 1)
    os.dup2(child.log, 2)
    os.close(nothing)
    os.close(child.log)
    os.environ.clear()
    os.environ.update(child.request["environment"])
    module, *arguments = child.request["arguments"]
    sys.argv = [module, *arguments]
    gc.enable()
    with warnings.catch_warnings():
        # The module was imported before, by the preload; running it again as __main__ is the point.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="runpy")
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    gc.disable()
    main(sys.argv[1:])
