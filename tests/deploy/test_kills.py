"""A deploy that is killed leaves the old release or the new one, and the next deploy goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest
import requests

from pipelines.deploy import standing
from pipelines.deploy.journal import Journal
from pipelines.release import Release
from pipelines.stack.place import Place
from pipelines.stack.process import recovery
from tests.deploy import killed
from tests.deploy.system import System
from tests.traffic import flowing

RANDOM = 6  # instants; `python -m bench deploys` tries a hundred
TAKEN_OVER = 30.0  # seconds
BEFORE_SERVING = ("preflight", "fetch", "secrets", "provide", "migrate", "start", "ready", "smoke")
STEPS = (*BEFORE_SERVING, "switch", "bake", "retire", "commit")
BOUNDARIES = [
    ("", "opened"),
    *((step, event) for step in STEPS for event in ("begun", "done")),
    ("", "closed"),
]


class Deploys:
    """Two releases of a system, deployed in turn by processes that are killed."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.first = self.old = system.release("one")
        self.new = system.release("two")
        folder = system.root / ".summit"
        (folder / "releases").write_bytes(msgspec.json.encode([self.old, self.new]))
        assert self.start(self.old).wait() == 0

    def start(self, release: Release, *where: str) -> subprocess.Popen[bytes]:
        root = Path(killed.__file__).parents[2]
        return subprocess.Popen(
            [sys.executable, killed.__file__, str(self.system.root), release.id, *where],
            env={**os.environ, "PYTHONPATH": str(root)},
        )

    def check_one_serves(self) -> None:
        """It is the old one or the new one, whole, and the edge leads to it."""
        serving = self.system.engine.serving()
        said = requests.get(self.system.url, timeout=5).text
        assert serving in (self.old.id, self.new.id)
        assert said == ("one" if serving == self.first.id else "two")

    def take_over(self) -> None:
        """The next deploy goes on by itself, and ends with the new one; then all begins anew."""
        began = time.monotonic()
        assert self.start(self.new).wait() == 0
        assert time.monotonic() - began < TAKEN_OVER
        state = self.system.site.state
        assert self.system.engine.serving() == self.new.id == standing.read(state).release
        assert Journal(state / "journal.jsonl").open_attempt() is None
        self.check_one_serves()
        self.old, self.new = self.new, self.old


# A supervisor outlives the process that has started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.mark.timeout(400)
def test_killed_at_any_boundary_of_a_step_it_is_taken_over(system: System) -> None:
    deploys = Deploys(system)
    for step, event in BOUNDARIES:
        assert deploys.start(deploys.new, step, event).wait() == -signal.SIGKILL, (step, event)
        deploys.check_one_serves()
        deploys.take_over()


def killed_at_random(deploys: Deploys, times: int) -> None:
    """Kill as many deploys, each at another instant, and see each taken over."""
    dice = random.Random(time.time())
    for _ in range(times):
        running = deploys.start(deploys.new)
        time.sleep(dice.uniform(0.2, 2.5))
        running.kill()
        running.wait()
        deploys.check_one_serves()
        deploys.take_over()


def test_killed_at_any_instant_it_is_taken_over(system: System) -> None:
    killed_at_random(Deploys(system), RANDOM)


def test_no_request_fails_while_deploys_are_killed_and_taken_up(system: System) -> None:
    deploys = Deploys(system)
    with flowing(system.url + "/", slow=[system.url + "/slow"]) as seen:
        seen.until_said("one")
        for step in ("switch", "bake", "retire"):
            assert deploys.start(deploys.new, step, "done").wait() == -signal.SIGKILL
            deploys.take_over()
        seen.until(10_000)

    assert seen.failed == []
    assert set(seen.bodies) == {"one", "two"}


def test_after_a_power_cut_what_had_been_started_is_started_again(system: System) -> None:
    deploys = Deploys(system)
    assert deploys.start(deploys.new, "switch", "begun").wait() == -signal.SIGKILL
    # The power goes: nothing of the system runs on, and no note says so.
    place = Place(system.site.source(deploys.new.id))
    for process in [*recovery.survivors(place), *supervisors(place)]:
        process.kill()
    psutil.wait_procs([*recovery.survivors(place)], timeout=5)

    deploys.take_over()


def supervisors(place: Place) -> list[psutil.Process]:
    """The process that keeps the place's services running."""
    return [
        it
        for it in psutil.process_iter(["cmdline"])
        if str(place.root) in (it.info["cmdline"] or ())
    ]


def test_another_release_takes_back_what_was_left(system: System) -> None:
    deploys = Deploys(system)
    assert deploys.start(deploys.new, "bake", "done").wait() == -signal.SIGKILL
    assert system.engine.serving() == deploys.new.id

    assert deploys.start(deploys.old).wait() == 0

    assert system.engine.serving() == deploys.old.id
    assert requests.get(system.url, timeout=5).text == "one"
    assert list(system.engine.running()) == [deploys.old.id]
