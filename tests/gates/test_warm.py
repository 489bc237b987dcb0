"""What a run may load: the guard against slow starts that no noise can fool."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.gates.project import LAUNCHER, Project

MOST = 60  # modules, of which an empty program on a bare interpreter loads about half
SLOW = {"invoke", "asyncio", "importlib.metadata", "rich", "yaml"}
_LOADED = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)


def modules_loaded(project: Project, *words: str) -> set[str]:
    """Every module that was imported by a run that passed."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *project.command(*words)[1:]],
        check=True,
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
    )
    return set(_LOADED.findall(ended.stderr)) | set(_always(project))


def _always(project: Project) -> list[str]:
    """The modules that `-X importtime` does not tell of: built in, or there before it listens."""
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import sys; print(*sys.modules)"],
        check=True,
        env=project.environment,
        capture_output=True,
        text=True,
    )
    return said.stdout.split()


def slow_ones(modules: set[str]) -> set[str]:
    return {slow for slow in SLOW if any(it == slow or it.startswith(f"{slow}.") for it in modules)}


@pytest.fixture
def warm(three: Project) -> Project:
    """Everything has run, and the files are old enough to be known by their times."""
    while three.inv("check").said[-1] != (
        "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped (TIME saved)"
    ):
        pass
    three.inv("check")
    return three


def test_a_run_in_which_nothing_changed_loads_next_to_nothing(warm: Project) -> None:
    loaded = modules_loaded(warm, "check")

    assert "pipelines.checkout.snapshot" in loaded
    assert slow_ones(loaded) == set()
    assert len(loaded) <= MOST, sorted(loaded)


def test_a_run_with_one_changed_step_loads_nothing_slow(warm: Project) -> None:
    warm.write("lone/a.txt", "changed\n")

    loaded = modules_loaded(warm, "lint")

    assert "pipelines.running.scheduler" in loaded
    assert slow_ones(loaded) == set()


def test_the_guard_sees_what_is_loaded(warm: Project) -> None:
    (warm.root / ".summit/plan").unlink()  # so that the configuration is read anew

    loaded = modules_loaded(warm, "check")

    assert slow_ones(loaded) == {"yaml"}
    assert len(loaded) > MOST


def test_the_launcher_is_what_inv_starts() -> None:
    inv = (LAUNCHER.parents[1] / "inv").read_text()

    assert '-I -S "$root/pipelines/launch.py" "$@"' in inv
