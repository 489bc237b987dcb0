"""Runs side by side, runs that are interrupted and runs that are killed."""

from __future__ import annotations

import os
import pty
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.gates.project import Project, hearing

Until = Callable[[Callable[[], object]], None]

KILLS = 50

# A child, a daemon, and a step that has begun to write what it makes.
BUSY = """
    build:
      run: [sh, -c, "NAP & setsid sh -c 'NAP; true' & printf half > made; touch ~/busy; NAP"]
      outputs: [made]
      inputs: [a.txt]
"""
# Each takes up what the one before has made.
WORK = """
    one: {run: [sh, -c, "echo one >> ~/ran; cat a.txt > one"], outputs: [one], inputs: [a.txt]}
    two: {run: [sh, -c, "echo two >> ~/ran; cat one one > two"], outputs: [two], inputs: [a.txt],
      needs: [one]}
    three: {run: [sh, -c, "echo three >> ~/ran; cat two two > three"], outputs: [three],
      inputs: [a.txt], needs: [two]}
"""


@pytest.fixture
def busy(project: Project) -> Project:
    project.steps(BUSY)
    project.write(".gitignore", "made\n")
    project.write("a.txt", "")
    return project


@pytest.fixture
def work(project: Project) -> Project:
    project.steps(WORK)
    project.write(".gitignore", "one\ntwo\nthree\n")
    project.write("a.txt", "0\n")
    return project


def is_busy(project: Project) -> bool:
    """Whether the step is in the middle: everything it starts goes on."""
    return (project.home / "busy").exists() and len(project.left()) >= 3


def half_written(project: Project) -> list[Path]:
    """What a writer has left on its way to a name of its own."""
    state = project.root / ".summit"
    own = {state / ".gitignore", state / "plan", state / "running/build:it"}
    finished = own | {file for file in project.files() if file.parent.parent.name == "blobs"}
    return sorted(set(project.files()) - finished) + list(state.glob("ledger/blobs/incoming/*"))


def counted(said: str) -> set[str]:
    """How many steps passed and how many were held, as the last line says."""
    return set(re.findall(r"\d passed, \d from ledger", said))


@pytest.mark.parametrize(
    ("number", "code", "last"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, ""), (signal.SIGHUP, 129, "")],
)
@pytest.mark.parametrize("words", [["build"], ["build", "--jobs", "2"]], ids=["plain", "Invoke"])
def test_an_interrupted_run_leaves_nothing_behind(
    busy: Project, until: Until, words: list[str], number: signal.Signals, code: int, last: str
) -> None:
    with busy.running(*words) as run:
        until(lambda: is_busy(busy))
        os.killpg(run.pid, number)
        _, said = run.communicate(timeout=60)

    assert run.returncode == code
    assert "Traceback" not in said
    assert (said.splitlines()[-1] if last else "") == last
    assert busy.left() == []
    assert half_written(busy) == []
    assert not (busy.root / ".summit/ledger/records.jsonl").exists()


def test_an_impatient_person_types_ctrl_c_twice(busy: Project, until: Until) -> None:
    with busy.running("build") as run:
        until(lambda: is_busy(busy))
        for _ in range(3):
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=60)

    assert run.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert busy.left() == []


def test_ctrl_c_in_a_terminal_ends_the_run(busy: Project, until: Until) -> None:
    with hearing():
        pid, terminal = pty.fork()
        if not pid:
            os.chdir(busy.root)
            os.execve(busy.command("build")[0], busy.command("build"), busy.environment)
    until(lambda: is_busy(busy))
    os.write(terminal, b"\x03")
    said = b""
    with suppress(OSError):  # how a terminal says that nobody is there any more
        while part := os.read(terminal, 4096):
            said += part
    os.close(terminal)
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 130
    assert said.endswith(b"interrupted\r\n")
    assert busy.left() == []


def test_what_passed_before_an_interrupt_holds(busy: Project, until: Until) -> None:
    busy.steps(BUSY + '    lint: {run: ["true"], inputs: [a.txt]}\n')
    busy.inv("lint")
    with busy.running("check") as run:
        until(lambda: is_busy(busy))
        os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=60)

    assert busy.inv("lint").totals == "1 step: 0 passed, 1 from ledger, 0 failed, 0 skipped"


def test_of_two_runs_at_once_the_second_waits_and_takes_the_evidence(
    project: Project, until: Until
) -> None:
    project.steps("""
        one: {run: [sh, -c, "echo one >> ~/ran; mkfifo ~/go; cat ~/go > made"], outputs: [made],
          inputs: [a.txt]}
        two: {run: [sh, -c, "echo two >> ~/ran; cat made"], needs: [one], inputs: [a.txt]}
    """)
    project.write(".gitignore", "made\n")
    project.write("a.txt", "")
    lock = project.root / ".summit/running/one:it"

    with project.running("check") as first:
        until((project.home / "go").exists)
        with project.running("check") as second:
            until(lambda: _has_open(second, lock))
            (project.home / "go").write_text("on\n")
            _, told_second = second.communicate(timeout=60)
        _, told_first = first.communicate(timeout=60)
    (project.home / "go").unlink()

    assert (first.returncode, second.returncode) == (0, 0)
    assert project.ran == ["one", "two"]
    # Which of them is first to start the second step is left to chance.
    assert {"0 passed, 2 from ledger", "1 passed, 1 from ledger"} & counted(told_second)
    assert {"2 passed, 0 from ledger", "1 passed, 1 from ledger"} & counted(told_first)
    assert project.inv("ledger.verify").stdout.startswith("2 records hold\n")


def test_many_runs_at_once_run_each_step_once(work: Project) -> None:
    runs = [
        subprocess.Popen(
            work.command("check"), cwd=work.root, env=work.environment, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for run in runs:
        _, said = run.communicate(timeout=60)
        assert run.returncode == 0, said

    assert work.ran == ["one", "three", "two"]
    assert (work.root / "three").read_text() == "0\n" * 4
    assert work.inv("ledger.verify").stdout.startswith("3 records hold\n")


def test_runs_that_are_killed_at_any_moment_harm_nothing(work: Project) -> None:
    chance = random.Random()
    codes = []
    began = time.monotonic()
    work.inv("check")
    usual = time.monotonic() - began  # so that some are killed, however fast the machine
    for kill in range(KILLS):
        work.write("a.txt", f"{kill // 3}\n")
        with subprocess.Popen(
            work.command("check"),
            cwd=work.root,
            env=work.environment,
            stderr=subprocess.DEVNULL,
            process_group=0,
        ) as run:
            with suppress(subprocess.TimeoutExpired):
                run.wait(chance.uniform(0, usual))
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
        codes.append(run.returncode)

    outcome = work.inv("check")
    verified = work.inv("ledger.verify")

    assert set(codes) == {0, -signal.SIGKILL}  # some came too late, and not all
    assert outcome.code == 0, outcome.stderr
    assert "0 failed, 0 skipped" in outcome.totals
    assert [(work.root / name).read_text() for name in ("one", "two", "three")] == [
        f"{(KILLS - 1) // 3}\n" * times for times in (1, 2, 4)
    ]
    assert verified.code == 0, verified.stdout


def _has_open(run: subprocess.Popen[str], path: Path) -> bool:
    return str(path) in {file.path for file in psutil.Process(run.pid).open_files()}
