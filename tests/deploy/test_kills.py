"""A deploy that is killed leaves the old release or the new one, and the next deploy goes on."""

from __future__ import annotations

import random
import signal
import time

import psutil
import pytest
import requests

from pipelines.stack.place import Place
from pipelines.stack.process import recovery
from tests.deploy.deploys import Deploys
from tests.deploy.system import System

RANDOM = 6  # instants; `python -m bench deploys` tries a hundred
BEFORE_SERVING = ("preflight", "fetch", "secrets", "provide", "migrate", "start", "ready", "smoke")
STEPS = (*BEFORE_SERVING, "switch", "bake", "retire", "commit")
BOUNDARIES = [
    ("", "opened"),
    *((step, event) for step in STEPS for event in ("begun", "done")),
    ("", "closed"),
]


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
