"""A deploy in a process of its own: `python racer.py FOLDER RELEASE`, for races and kills.

Reads a line before it begins, so that several can begin together, and prints how it ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.deploy.lock import Lock
from pipelines.deploy.machine import Machine
from pipelines.deploy.site import Site
from pipelines.environments import Bake, Environment
from pipelines.errors import SummitError
from pipelines.release import Release
from tests.deploy.imitation import Imitation

LEASE = 0.25  # seconds


def release(name: str) -> Release:
    """A release of which nothing is real but the id."""
    return Release(commit=name, tree="", lock="", configuration="", images={}, steps={}, gates={})


RELEASES = {it.id: it for it in map(release, ("one", "two", "three"))}


def site(folder: Path) -> Site:
    environment = Environment("race", folder / "race.yaml", "", bake=Bake(seconds=0, requests=0))
    return Site(folder, environment, folder / "secrets")


def deploy(folder: Path, name: str, *, wait: float = 20.0) -> str:
    """Deploy the release of this name; says how it ended."""
    here = site(folder)
    try:
        with Lock(here.state, "race", lease=LEASE).held(wait=wait) as fence:
            machine = Machine(
                here, Imitation(folder), fence, RELEASES.__getitem__, lambda _: None, lambda _: None
            )
            machine.deploy(release(name))
    except SummitError as error:
        return type(error).__name__
    return "served"


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{deploy(Path(line.strip()), sys.argv[1])}\n")
        sys.stdout.flush()
