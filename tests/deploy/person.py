"""Somebody who types commands, and hears what the system says at its public door."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import requests

from pipelines.environments import load
from tests.deploy.system import System

ROOT = Path(__file__).parents[2]


class Person:
    """Types commands in the system's repository."""

    def __init__(self, system: System, within: Sequence[str] = ()) -> None:
        """`within` are words that come before each command."""
        self.system = system
        self.within = within

    def types(self, *words: str, code: int | None = 0, fed: str = "", **environment: str) -> str:
        """What a command says, stdout and stderr; it must end with this exit code, or with any."""
        done = subprocess.run(
            [*self.within, sys.executable, "-m", "tasks", *words],
            cwd=self.system.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            input=fed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert code in (None, done.returncode), done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def releases(self, version: str, does: str = "works") -> str:
        """Commit, check and release a version; returns the beginning of its id."""
        self.system.commit(version, does)
        self.types("lint")
        return self.types("release").split()[1]

    def hears(self, environment: str) -> str:
        """What the public door of an environment says."""
        port = load(self.system.root, environment).doors["web"]
        return requests.get(f"http://127.0.0.1:{port}", timeout=5).text
