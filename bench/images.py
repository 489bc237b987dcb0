"""How long an image takes to build again: nothing changed, code did, a dependency did.

`python -m bench images` needs an engine and what the images stand on. The first build fills the
cache and is not measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from uuid import uuid4

import docker

from bench.measure import ROOT, Bar, report
from pipelines.containers import connect

ROUNDS = 3
PREFIX = "summit-bench"
SERVICE = "fusion"
PATHS = (f"services/{SERVICE}", "services/kit", "docker", ".dockerignore")
COMMIT = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-qam", "bench")
MEGABYTE = 1e6


@contextmanager
def checkout(client: docker.DockerClient) -> Iterator[Path]:
    """A clone in which the image has another name."""
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as folder:
        root = Path(folder, "clone")
        git(ROOT, "clone", "--quiet", str(ROOT), str(root))
        file = root / "compose.yaml"
        file.write_text(file.read_text().replace("image: summit-", f"image: {PREFIX}-"))
        try:
            yield root
        finally:
            client.images.remove(f"{PREFIX}-{SERVICE}", force=True)


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True)


def seconds(root: Path, change: Callable[[Path], None]) -> float:
    change(root)
    began = time.perf_counter()
    build(root)
    return time.perf_counter() - began


def build(root: Path) -> None:
    words = [sys.executable, "-m", "pipelines.images", SERVICE, *PATHS]
    subprocess.run(words, cwd=root, check=True, capture_output=True)


def nothing(_root: Path) -> None:
    pass


def code(root: Path) -> None:
    append(root, "app.py", f"CHANGE = {unheard_of()!r}\n")


def dependency(root: Path) -> None:
    """To the layer a comment is as good as another version: all of it is installed anew."""
    append(root, "requirements.txt", f"# {unheard_of()}\n")


def unheard_of() -> str:
    """No earlier run has left a layer with this in the cache."""
    return uuid4().hex


def append(root: Path, name: str, text: str) -> None:
    with (root / "services" / SERVICE / name).open("a") as file:
        file.write(text)
    git(root, *COMMIT)


def measure() -> list[Bar]:
    with connect() as client, checkout(client) as root:
        build(root)
        made = json.loads((root / f".summit/images/{SERVICE}.json").read_text())
        size = made["size"] - client.images.get(made["base"]).attrs["Size"]
        taken = {
            change: median(seconds(root, change) for _ in range(ROUNDS))
            for change in (nothing, code, dependency)
        }
    return [
        Bar("image over its base / 1 MB", size / MEGABYTE, 1, at_most=120),
        Bar("build, nothing changed / 1 s", taken[nothing], 1, at_most=2),
        Bar("build, code changed / 1 s", taken[code], 1, at_most=5),
        Bar("build, a dependency changed / 1 s", taken[dependency], 1, at_most=40),
    ]


if __name__ == "__main__":
    sys.exit(report(measure()))
