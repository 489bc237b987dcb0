"""A whole tiny project, brought up by the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil

from pipelines.stack.place import Place
from pipelines.stack.process import recovery, verbs as engine
from pipelines.stack.status import Status

REPOSITORY = Path(__file__).parents[2]

# A service of a few lines: it answers 200, and what its environment says may go wrong, does.
SERVICE = """
import http.server, os, pathlib, sys, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        sick = os.environ.get("SICK") or pathlib.Path("sick").exists()
        body = b"out of order" if sick else os.environ.get("SAYS", "fine").encode()
        self.send_response(503 if sick else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

print("listening", flush=True)
place = os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])
server = http.server.ThreadingHTTPServer(place, Handler)
if "LIVES" in os.environ:
    threading.Timer(float(os.environ["LIVES"]), lambda: os._exit(7)).start()
server.serve_forever()
"""


@dataclass
class Project:
    """A checkout of a project with services of its own."""

    root: Path
    engine: ClassVar[str] = "process"
    image: str = "its-own"  # which the process engine has no use for
    variables: dict[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def place(self) -> Place:
        return Place(self.root)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(textwrap.dedent(text))

    def inv(self, *words: str, within: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Type a command, in a process of its own as a person does; `within` starts it."""
        return subprocess.run(
            [*within, *self.command(*words)],
            check=False,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tasks", *words]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "NO_COLOR": "1",
            "SUMMIT_ENGINE": self.engine,
            **self.variables,
        }

    def status(self, name: str) -> Status:
        return next(s for s in engine.now(self.place).statuses if s.name == name)

    def pid(self, name: str) -> int:
        pid = self.status(name).pid
        assert pid is not None
        return pid

    def port(self, name: str) -> int:
        port = self.status(name).port
        assert port is not None
        return port

    def processes(self) -> list[psutil.Process]:
        return recovery.survivors(self.place)

    def left(self) -> Sequence[object]:
        """What runs, or was left behind."""
        return self.processes()

    def supervisor(self) -> psutil.Process:
        """The oldest of its name: a child that it starts bears the same until it has its own."""
        found = (
            process
            for process in psutil.process_iter()
            if "pipelines.stack.process.supervisor" in (words := _words(process))
            and str(self.root) in words
        )
        return min(found, key=lambda process: process.create_time())

    def snapshot(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.place.snapshot.read_text())
        return found


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
