"""A real Git repository to whose history commits are added."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Checkout:
    """A working copy; each commit replaces the files that are named and is a day later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._days = 0
        self._git("init", "-q", "-b", "main")

    def commit(self, subject: str, files: dict[str, str | None]) -> str:
        """Write (None removes) and commit; what is returned is the commit's id."""
        self._days += 1
        for path, text in files.items():
            target = self.folder / path
            if text is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", subject)
        return self._git("rev-parse", "HEAD")

    def branch(self, name: str) -> None:
        self._git("checkout", "-q", "-b", name)

    def merge(self, name: str) -> str:
        """Merge a branch into main by a merge commit."""
        self._days += 1
        self._git("checkout", "-q", "main")
        self._git("merge", "-q", "--no-ff", "-m", f"Merge {name}", name)
        return self._git("rev-parse", "HEAD")

    def _git(self, *words: str) -> str:
        when = f"2026-01-{self._days:02} 12:00:00 +0000"
        names = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "a"), ("EMAIL", "a@example.org"), ("DATE", when))
        }
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/", **names},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()
