"""A deploy that is killed where it hurts: `python killed.py ROOT RELEASE [STEP EVENT]`.

SIGKILL comes just before that line of the journal is written; without a step only from outside.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import msgspec

from pipelines.deploy.choice import engine_of
from pipelines.deploy.journal import Entry, Journal
from pipelines.deploy.lock import Lock
from pipelines.deploy.machine import Machine
from pipelines.deploy.site import Site
from pipelines.environments import load
from pipelines.release import Release

write = Journal.write


def main(root: Path, wanted: str, step: str = "", event: str = "") -> None:
    known = msgspec.json.decode((root / ".summit" / "releases").read_bytes(), type=list[Release])
    releases = {it.id: it for it in known}

    def write_or_die(journal: Journal, entry: Entry) -> None:
        if event and (entry.step, entry.event.value) == (step, event):
            os.kill(os.getpid(), signal.SIGKILL)
        write(journal, entry)

    Journal.write = write_or_die  # type: ignore[method-assign]
    environment = load(root, "staging")
    site = Site(root, environment, environment.state(root) / "secrets")
    with Lock(site.state, "staging").held(wait=30) as fence:
        machine = Machine(
            site,
            engine_of(site),
            fence,
            releases.__getitem__,
            lambda _: None,
            lambda _: None,
        )
        machine.deploy(releases[wanted])


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
