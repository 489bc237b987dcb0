"""Steps run side by side; each is told apart, and none outlives the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import gates, scheduler
from pipelines.step import Result, Status, Step

ROOT = Path(__file__).parents[2]


def step(name: str, script: str) -> Step:
    return Step(name, ("sh", "-c", script))


def test_results_come_in_the_order_of_the_steps(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # the first step ends only after the second has begun
    steps = [step("first", "cat pipe"), step("second", "echo two >pipe; echo 2")]

    results = scheduler.run(steps, root=tmp_path, jobs=2, capture=True)

    assert [(it.step.name, it.output) for it in results] == [("first", "two\n"), ("second", "2\n")]
    assert all(results)


def test_a_failed_step_stops_no_other(tmp_path: Path) -> None:
    steps = [step("bad", "exit 1"), Step("missing", ("no-such-program",)), step("good", "true")]

    results = scheduler.run(steps, root=tmp_path, jobs=1, capture=True)

    assert [it.status for it in results] == [Status.FAILED, Status.FAILED, Status.PASSED]
    assert results[1].output.startswith("no program called 'no-such-program'")


def test_a_gate_names_every_step_that_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [step("one", "echo mend this; exit 1"), step("two", "true"), step("three", "exit 2")]

    with pytest.raises(gates.GateFailed, match=r"^2 of 3 steps failed: one, three$"):
        gates.run(steps, root=tmp_path, jobs=2)

    assert "mend this" in capsys.readouterr().out


def test_a_summary_says_how_each_step_ended() -> None:
    results = [
        Result(step("ruff check", ""), Status.PASSED, seconds=0.24),
        Result(step("mypy", ""), Status.FAILED, seconds=12.0),
    ]

    assert gates.summary(results) == (
        "step        result  time\nruff check  passed  0.2s\nmypy        failed  12.0s"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_step_behind(tmp_path: Path, number: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"""
import signal, sys
from pathlib import Path
from pipelines import scheduler
from pipelines.step import Step
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
tell = 'echo $$ >"$0"; exec sleep 600'
steps = [Step("one", ("sh", "-c", tell, {str(pipe)!r})), Step("waits", ("sleep", "600"))]
scheduler.run(steps, root=Path("."), jobs=1, capture=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL
    ) as program:
        child = int(pipe.read_text())
        program.send_signal(number)
        program.wait(timeout=30)

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_selection_of_tests_is_not_measured() -> None:
    assert "--cov" in gates.pytest_step().command
    assert "--cov" not in gates.pytest_step(only=["tests/test_layout.py"]).command
