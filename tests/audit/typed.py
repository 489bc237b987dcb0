"""Commands as a person types them, in a folder of files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parents[2]


class Typed:
    """Runs `summit` in a folder, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))

    def git(self, *words: str) -> str:
        said = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return said.stdout.strip()

    def commit(self) -> str:
        """Put all there is into a commit; returns its id."""
        if not (self.folder / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main", "--template=")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=all")
        return self.git("rev-parse", "HEAD")

    def __call__(
        self, *words: str, folder: str = ".", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": str(REPOSITORY), "XDG_CONFIG_HOME": str(self.folder / ".git/keys")}
        return subprocess.run(
            [sys.executable, "-c", "from pipelines.launch import summit; summit()", *words],
            cwd=self.folder / folder,
            env={**os.environ, **own, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
