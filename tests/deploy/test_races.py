"""Two deploys into one environment at a time: each change is one's alone, and one's end stands."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.deploy import standing
from pipelines.deploy.journal import Journal
from pipelines.deploy.lock import Lock
from tests.deploy import racer
from tests.deploy.imitation import Imitation

TRIALS = 200
PAUSED = 2 * racer.LEASE  # seconds: longer than its lease


class Racer:
    """A process that deploys one release, as often as it is told a folder to do it in."""

    def __init__(self, name: str) -> None:
        root = Path(racer.__file__).parents[2]
        self.process = subprocess.Popen(
            [sys.executable, racer.__file__, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )

    def begin(self, folder: Path) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()

    def ended(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def racers() -> Iterator[tuple[Racer, Racer]]:
    both = Racer("one"), Racer("two")
    yield both
    for each in both:
        each.close()


def interleavings(folder: Path) -> list[str]:
    """The changes that began while another's was under way."""
    found, under_way = [], ""
    for line in (folder / "changes").read_text().splitlines():
        who, verb, *what = line.split()
        if verb == "begins":
            if under_way:
                found.append(f"{who} {what} during {under_way}")
            under_way = f"{who} {what}"
        else:
            under_way = ""
    return found


def settled(folder: Path) -> str:
    """What serves, which is what the decision says, and the only one or one of two that run."""
    engine, here = Imitation(folder), racer.site(folder)
    assert Journal(here.state / "journal.jsonl").open_attempt() is None
    assert standing.read(here.state).release == engine.serving()
    assert engine.serving() in engine.running()
    return racer.RELEASES[engine.serving()].commit


def holder_in(folder: Path) -> int:
    """The process that holds the lock, waited for."""
    lock = Lock(racer.site(folder).state, "race", lease=racer.LEASE)
    while not (lock.is_held and (lease := lock.lease)):
        time.sleep(0.001)
    return lease.pid


def test_two_that_race_never_change_anything_at_the_same_time(
    racers: tuple[Racer, Racer], tmp_path: Path
) -> None:
    dice = random.Random(1)  # noqa: S311 - which instants are tried, so that they can be again
    for trial in range(TRIALS):
        folder = tmp_path / str(trial)
        folder.mkdir()
        for each in racers:
            each.begin(folder)
        is_paused = trial % 8 == 0
        if is_paused:
            holder = holder_in(folder)
            time.sleep(dice.uniform(0, 0.02))
            os.kill(holder, signal.SIGSTOP)
            time.sleep(PAUSED)
            os.kill(holder, signal.SIGCONT)
        ends = [each.ended() for each in racers]

        assert interleavings(folder) == []
        assert set(ends) <= {"served", "Superseded"}
        assert "served" in ends
        if ends == ["served", "served"]:
            assert settled(folder) in ("one", "two")


def test_a_paused_one_that_wakes_up_late_changes_nothing_more(
    racers: tuple[Racer, Racer], tmp_path: Path
) -> None:
    first, second = racers
    held = tmp_path / "held"
    held.touch()
    first.begin(tmp_path)
    while not (tmp_path / "waits").exists():
        time.sleep(0.001)
    os.kill(first.process.pid, signal.SIGSTOP)
    held.unlink()

    second.begin(tmp_path)
    assert second.ended() == "served"
    os.kill(first.process.pid, signal.SIGCONT)

    assert first.ended() == "Superseded"
    assert settled(tmp_path) == "two"
