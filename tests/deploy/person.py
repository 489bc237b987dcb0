"""Somebody who types commands in a system's repository, perhaps on a machine with a fault."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from pipelines.environments import load
from tests.deploy import filled
from tests.deploy.system import System

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Person:
    """`within` are the words before each command that begin it where the fault is to be seen."""

    system: System
    within: tuple[str, ...] = ()

    def types(self, *words: str, code: int = 0, fed: str = "", **environment: str) -> str:
        """What a command says, stdout and stderr; it must end with this exit code."""
        said, ended = self.tries("-m", "tasks", *words, fed=fed, **environment)
        assert ended == code, said
        return said

    def types_while_it_fills(self, folder: Path, at: str, *words: str) -> tuple[str, int]:
        """The same where the disk of the folder is full from a line of the journal on."""
        return self.tries(filled.__file__, str(folder), at, *words)

    def tries(self, *words: str, fed: str = "", **environment: str) -> tuple[str, int]:
        """What Python says, given these words, and its exit code."""
        done = subprocess.run(
            [*self.within, sys.executable, *words],
            cwd=self.system.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            input=fed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout, done.returncode

    def releases(self, version: str, does: str = "works") -> str:
        """Commit, check and release a version; returns the beginning of its id."""
        self.system.commit(version, does)
        self.types("lint")
        return self.types("release").split()[1]

    def hears(self, environment: str) -> str:
        """What the public door of an environment says."""
        port = load(self.system.root, environment).doors["web"]
        return requests.get(f"http://127.0.0.1:{port}", timeout=5).text
