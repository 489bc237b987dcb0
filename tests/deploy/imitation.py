"""An engine that does nothing but write down, in a file that all share, what it is told to do."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.deploy.engine import Part, Say, Traffic
from pipelines.release import Release


@dataclass(frozen=True)
class Imitation:
    """Each change takes a moment, and leaves a line when it begins and one when it ends."""

    folder: Path
    pause: float = 0.002  # seconds that a change takes
    name: str = "imitation"
    unproven: tuple[str, ...] = ()

    def preflight(self, release: Release) -> None: ...

    def fetch(self, release: Release) -> None:
        self._change("fetch", release.id)

    def provide(self, release: Release) -> None:
        self._change("provide", release.id)

    def migrate(self, release: Release) -> None:
        self._change("migrate", release.id)

    def start(self, release: Release) -> None:
        self._change("start", release.id)
        (self.folder / f"runs-{release.id}").touch()

    def ready(self, release: Release, *, timeout: float, say: Say) -> None:
        """Not before nobody holds it up any more."""
        while (self.folder / "held").exists():
            (self.folder / "waits").touch()
            time.sleep(0.002)

    def smoke(self, release: Release) -> None: ...

    def serving(self) -> str:
        try:
            return (self.folder / "serving").read_text()
        except FileNotFoundError:
            return ""

    def switch(self, release: Release) -> None:
        self._change("switch", release.id)
        fresh = self.folder / f"serving.{os.getpid()}"
        fresh.write_text(release.id)
        fresh.replace(self.folder / "serving")

    def close(self) -> None:
        (self.folder / "serving").unlink(missing_ok=True)

    def doors(self) -> Mapping[str, str]:
        return {}

    def traffic(self, release: str) -> Traffic:
        return Traffic()

    def ailing(self, release: str) -> str:
        return ""

    def running(self) -> Mapping[str, tuple[Part, ...]]:
        return {it.name.removeprefix("runs-"): () for it in self.folder.glob("runs-*")}

    def stop(self, release: str) -> None:
        self._change("stop", release)
        (self.folder / f"runs-{release}").unlink(missing_ok=True)

    def down(self, *, volumes: bool = False) -> None: ...

    def _change(self, what: str, release: str) -> None:
        self._tell(f"{os.getpid()} begins {what} {release}")
        time.sleep(self.pause)
        self._tell(f"{os.getpid()} ends {what} {release}")

    def _tell(self, line: str) -> None:
        with (self.folder / "changes").open("a") as file:
            file.write(f"{line}\n")
