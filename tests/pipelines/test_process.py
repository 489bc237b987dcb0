"""Programs end with all that they started, in time or when told."""

from __future__ import annotations

import os
import select
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines import process
from pipelines.errors import MachineError

# Starts a child, tells its process id through the pipe, and heeds no polite signal.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "w") as pipe:
    pipe.write(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe: reading it waits until the other side has told."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def watch(pipe: Path) -> int:
    """A descriptor that becomes readable when the process told through the pipe has ended."""
    return os.pidfd_open(int(pipe.read_text()))


def has_ended(descriptor: int) -> bool:
    readable, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    return bool(readable)


def test_a_program_tells_how_it_ended() -> None:
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"

    completed = process.run([sys.executable, "-c", script], capture=True)

    assert not completed
    assert (completed.code, completed.output) == (3, "out\nerr\n")


def test_the_command_is_printed_ready_to_paste(capfd: pytest.CaptureFixture[str]) -> None:
    process.run(["true", "two words"])

    assert capfd.readouterr().err == "+ true 'two words'\n"


def test_a_missing_program_is_named() -> None:
    with pytest.raises(process.ProgramMissing) as caught:
        process.run(["no-such-program-anywhere"])

    assert caught.value.program == "no-such-program-anywhere"
    assert caught.value.exit_code == 5


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"no such folder to run true in: .*nowhere"):
        process.run(["true"], cwd=tmp_path / "nowhere")


def test_stopping_ends_the_program_and_its_children(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.05)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(process.run, [sys.executable, "-c", STUBBORN, pipe])
        child = watch(pipe)
        process.stop_all()

        assert running.result(timeout=10).code == -signal.SIGKILL
    assert has_ended(child)


def test_a_program_whose_time_is_up_ends_with_its_children(pipe: Path) -> None:
    script = 'sleep 600 & echo $! >"$0"; wait'
    with ThreadPoolExecutor() as pool:
        running = pool.submit(process.run, ["sh", "-c", script, pipe], timeout=1, capture=True)
        child = watch(pipe)

        with pytest.raises(process.ProgramTimedOut, match="sh was stopped: not done after 1s"):
            running.result()
    assert has_ended(child)


def test_a_daemon_left_behind_does_not_hold_the_caller(tmp_path: Path) -> None:
    told = tmp_path / "pid"

    completed = process.run(["sh", "-c", 'sleep 600 & echo $! >"$0"', told], capture=True)

    daemon = int(told.read_text())
    os.kill(daemon, signal.SIGKILL)
    assert completed
