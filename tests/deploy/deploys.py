"""Deploys in processes of their own, to be killed, and what is to be seen after each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import requests

from pipelines.deploy import standing
from pipelines.deploy.journal import Journal
from pipelines.release import Release
from tests.deploy import killed
from tests.deploy.system import System

TAKEN_OVER = 30.0  # seconds


class Deploys:
    """Two releases of a system, deployed in turn by processes that are killed."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.first = self.old = system.release("one")
        self.new = system.release("two")
        folder = system.root / ".summit"
        (folder / "releases").write_bytes(msgspec.json.encode([self.old, self.new]))
        assert self.start(self.old).wait() == 0

    def start(self, release: Release, *where: str) -> subprocess.Popen[bytes]:
        root = Path(killed.__file__).parents[2]
        return subprocess.Popen(
            [sys.executable, killed.__file__, str(self.system.root), release.id, *where],
            env={**os.environ, "PYTHONPATH": str(root)},
        )

    def check_one_serves(self) -> None:
        """It is the old one or the new one, whole, and the edge leads to it."""
        serving = self.system.engine.serving()
        said = requests.get(self.system.url, timeout=5).text
        assert serving in (self.old.id, self.new.id)
        assert said == ("one" if serving == self.first.id else "two")

    def take_over(self) -> None:
        """The next deploy goes on by itself, and ends with the new one; then all begins anew."""
        began = time.monotonic()
        assert self.start(self.new).wait() == 0
        assert time.monotonic() - began < TAKEN_OVER
        state = self.system.site.state
        assert self.system.engine.serving() == self.new.id == standing.read(state).release
        assert Journal(state / "journal.jsonl").open_attempt() is None
        self.check_one_serves()
        self.old, self.new = self.new, self.old
