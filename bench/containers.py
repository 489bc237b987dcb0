"""How fast the stack is healthy in containers, beside Compose itself on the same file.

`python -m bench.containers` needs an engine and built images, and brings up a project of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.measure import Bar, report
from pipelines.programs import process
from pipelines.stack.docker.engine import DockerEngine
from pipelines.stack.stack import Stack

ROUNDS = 5
ROOT = Path(__file__).parents[1]
NAME = "summit-bench"
# The longest chain: server, roles, migrations, one service.
ONE = "fabric"


@contextmanager
def checkout(name: str = NAME, *mounted: str) -> Iterator[DockerEngine]:
    """A copy of what is needed, with the folders that are mounted, as a project of this name."""
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as folder:
        root = Path(folder)
        shutil.copy(ROOT / "compose.yaml", root)
        for needed in ("docker", *mounted):
            shutil.copytree(ROOT / needed, root / needed)
        environ = {**os.environ, "COMPOSE_PROJECT_NAME": name}
        engine = DockerEngine.connected(Stack.of(root, environ=environ))
        up(engine)  # secrets, and every image in the page cache
        try:
            yield engine
        finally:
            engine.down(volumes=True)


def up(engine: DockerEngine, *only: str) -> None:
    engine.up(only=only, profiles=(), timeout=120, on_change=lambda status: None)


def compose_up(engine: DockerEngine) -> None:
    done = process.run(engine.project.words("up", "--wait", "--no-build"), capture=True, echo=False)
    assert done, done.output


def cold(engine: DockerEngine, work: Callable[[], None]) -> float:
    """Seconds that the work takes where there is neither a container nor data."""
    engine.down(volumes=True)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure() -> list[Bar]:
    ours: list[float] = []
    theirs: list[float] = []
    chain: list[float] = []
    with checkout() as engine:
        for _ in range(ROUNDS):
            ours.append(cold(engine, lambda: up(engine)))
            theirs.append(cold(engine, lambda: compose_up(engine)))
            chain.append(cold(engine, lambda: up(engine, ONE)))
    a, b, c = median(ours), median(chain), median(theirs)
    return [
        Bar("up in containers / the longest chain alone", a, b, at_most=1.5),
        Bar("up in containers / docker compose up --wait", a, c, at_most=1.0),
    ]


if __name__ == "__main__":
    sys.exit(report(measure()))
