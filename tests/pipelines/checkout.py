"""A real Git repository in a folder, and what Git itself says of it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.checkout.stats import TICK


@dataclass(frozen=True)
class Checkout:
    """`root` is its top folder. Paths may hold anything that a file's name can."""

    root: Path

    @classmethod
    def new(cls, root: Path, *words: str) -> Checkout:
        """An empty repository; the words go to `git init`."""
        root.mkdir(parents=True, exist_ok=True)
        made = cls(root)
        made.git("init", "--quiet", "--initial-branch=main", *words)
        made.git("config", "user.name", "Test")
        made.git("config", "user.email", "test@example.org")
        made.git("config", "core.autocrlf", "false")
        return made

    def git(self, *words: str, fed: str = "", **env: str) -> str:
        """What Git answers to what it is `fed`; nothing of what it says to people."""
        # Modules of this machine's disk, and no advice on repositories within repositories.
        settings = ("-c", "protocol.file.allow=always", "-c", "advice.addEmbeddedRepo=false")
        said = subprocess.run(
            ["git", *settings, *words],
            cwd=self.root,
            env={**os.environ, **env},
            input=os.fsencode(fed),
            check=True,
            capture_output=True,
        )
        return os.fsdecode(said.stdout).strip()

    def write(self, path: str, content: bytes | str = b"") -> None:
        """Write the file, in folders that are made where there are none."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.fsencode(content))

    def commit(self) -> None:
        """Commit everything, also when that is nothing; no two commits are the same."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"At {time.time_ns()}")

    def clone(self, root: Path) -> Checkout:
        """A fresh clone, whose index was written a good while after its files."""
        self.git("clone", "--quiet", str(self.root), str(root))
        made = Checkout(root)
        made.age_index()
        return made

    @property
    def index(self) -> Path:
        """Git's index."""
        return self.root / ".git" / "index"

    def age_index(self) -> None:
        """Let the index be written long after everything that it knows of."""
        later = self.index.stat().st_mtime + 3600
        os.utime(self.index, (later, later))

    def tree(self) -> str:
        """The tree Git makes of the working copy as it is, without touching the index."""
        scratch = self.root / ".git" / "scratch-index"
        # Entries without times: Git compares whole seconds, and would miss what changed since.
        entries = self.git("ls-files", "-z", "--stage")
        try:
            self.git("update-index", "-z", "--index-info", fed=entries, GIT_INDEX_FILE=str(scratch))
            self.git("add", "--all", GIT_INDEX_FILE=str(scratch))
            return self.git("write-tree", GIT_INDEX_FILE=str(scratch))
        finally:
            scratch.unlink(missing_ok=True)

    def settle(self) -> None:
        """Wait until whatever is changed from now on has other times than what was changed."""
        mark = self.root / ".git" / "mark"
        mark.touch()
        changed = mark.stat().st_ctime_ns
        Retrying(
            retry=retry_if_result(lambda age: age <= TICK),
            wait=wait_fixed(0.005),
            stop=stop_after_delay(30),
        )(lambda: time.time_ns() - changed)
