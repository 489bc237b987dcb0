"""Programs end with all that they started, in time or when told."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.errors import MachineError
from pipelines.programs import process
from pipelines.programs.mask import Masker
from tests import unmeasured

ROOT = Path(__file__).parents[2]

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


# Leaves its group and loses its parent, as a daemon does, tells its process id, and stays.
DAEMON = """
import os, signal, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with open(sys.argv[1], "w") as pipe:
    pipe.write(str(os.getpid()))
signal.pause()
"""


@pytest.mark.parametrize(
    "script",
    [
        'sleep 600 & echo $! >"$0"',
        'env --ignore-environment sleep 600 & echo $! >"$0"',
        '"$1" -c "$2" "$0"; read -r _ <"$0.ready"',
    ],
    ids=["in its group", "without its environment", "a daemon"],
)
def test_what_a_program_leaves_behind_is_ended(pipe: Path, script: str) -> None:
    ready = Path(f"{pipe}.ready")
    os.mkfifo(ready)
    command = ["sh", "-c", script, pipe, sys.executable, DAEMON]
    with ThreadPoolExecutor() as pool:
        running = pool.submit(process.run, command, capture=True)
        left = watch(pipe)
        if "ready" in script:
            ready.write_text("\n")

        assert running.result()
    assert has_ended(left)


def test_a_daemon_ends_with_the_program_whose_time_is_up(pipe: Path) -> None:
    command = ["sh", "-c", '"$1" -c "$2" "$0"; sleep 600', pipe, sys.executable, DAEMON]
    with ThreadPoolExecutor() as pool:
        running = pool.submit(process.run, command, timeout=2)
        daemon = watch(pipe)

        with pytest.raises(process.ProgramTimedOut):
            running.result()
    assert has_ended(daemon)


def test_what_left_group_and_environment_ends_with_its_parent(pipe: Path) -> None:
    script = "import os, sys; os.setsid(); open(sys.argv[1], 'w').write(str(os.getpid())); input()"
    inner = f'env --ignore-environment "$1" -c "{script}" "$0" <"$0.never"'
    os.mkfifo(f"{pipe}.never")
    writer = os.open(f"{pipe}.never", os.O_RDWR)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(process.run, ["sh", "-c", f"{inner}; exit 9", pipe, sys.executable])
        child = watch(pipe)
        process.stop_all()

        assert not running.result()
    os.close(writer)
    assert has_ended(child)


def test_ctrl_c_leaves_nothing_behind(pipe: Path) -> None:
    script = (
        "import sys; from pipelines.programs import process;"
        "process.run(['sh', '-c', sys.argv[1], sys.argv[2], sys.executable, sys.argv[3]])"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", script, '"$1" -c "$2" "$0"; sleep 600', pipe, DAEMON],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=unmeasured.environment(),
    )
    with runner:
        daemon = watch(pipe)
        runner.send_signal(signal.SIGINT)
        _, errors = runner.communicate()

    assert errors.endswith(b"KeyboardInterrupt\n")
    assert has_ended(daemon)


def test_a_daemon_that_never_stops_talking_does_not_hold_the_caller() -> None:
    completed = process.run(["sh", "-c", "yes & :"], capture=True, timeout=60)

    assert completed


@pytest.mark.parametrize("kept", ["log", "output"])
def test_what_is_kept_is_masked(tmp_path: Path, kept: str) -> None:
    script = "printf hunt; printf er22 >&2; echo"
    with (tmp_path / "log").open("w+b") as log:
        completed = process.run(
            ["sh", "-c", script],
            capture=kept == "output",
            log=log if kept == "log" else None,
            masker=Masker(["hunter22"]),
        )
        log.seek(0)
        found = {"log": log.read().decode(), "output": completed.output}

    assert found == {"log": "", "output": "", kept: "***\n"}


def test_what_is_shown_is_masked_and_so_is_the_command(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    process.run(["echo", "hunter22"], masker=Masker(["hunter22"]))

    assert capfdbinary.readouterr() == (b"", b"+ echo '***'\n***\n")


def test_a_program_is_heard_while_it_runs(pipe: Path) -> None:
    said, hearing = os.pipe()
    with ThreadPoolExecutor() as pool, os.fdopen(hearing, "wb", buffering=0) as log:
        command = ["sh", "-c", 'echo now; read -r _ <"$0"', pipe]
        running = pool.submit(process.run, command, log=log)

        assert os.read(said, 100) == b"now\n"
        assert not running.done()
        pipe.write_text("\n")
        assert running.result()
    os.close(said)


def test_a_program_may_close_its_output_and_go_on(pipe: Path) -> None:
    command = ["sh", "-c", 'echo first; exec >&- 2>&-; read -r _ <"$0"; exit 4', pipe]
    with ThreadPoolExecutor() as pool:
        running = pool.submit(process.run, command, capture=True)
        pipe.write_text("\n")

        assert (running.result().code, running.result().output) == (4, "first\n")


def test_much_output_is_kept_whole() -> None:
    script = "import sys; sys.stdout.write('x' * 3_000_000); sys.stdout.flush()"

    assert process.run([sys.executable, "-c", script], capture=True).output == "x" * 3_000_000


def test_what_was_said_before_the_time_was_up_is_kept() -> None:
    with pytest.raises(process.ProgramTimedOut) as caught:
        process.run(["sh", "-c", "echo so far; exec sleep 600"], timeout=0.5, capture=True)

    assert caught.value.output == "so far\n"


def test_a_full_disk_is_one_line_and_stops_the_program(pipe: Path) -> None:
    script = 'sleep 600 & echo $! >"$0"; echo much; wait'
    with ThreadPoolExecutor() as pool, Path("/dev/full").open("wb", buffering=0) as log:
        running = pool.submit(process.run, ["sh", "-c", script, pipe], log=log)
        child = watch(pipe)

        with pytest.raises(MachineError, match="cannot keep the log: No space left on device"):
            running.result()
    assert has_ended(child)


def test_a_file_that_is_no_program_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)

    with pytest.raises(MachineError, match=r"cannot start .*broken: Exec format error"):
        process.run([broken])


def test_programs_run_side_by_side_with_one_masker() -> None:
    masker = Masker(["hunter22"])

    def run(number: int) -> str:
        script = f"printf hunt; printf '%s' er22{number}"
        return process.run(["sh", "-c", script], capture=True, masker=masker, timeout=60).output

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(32))) == [f"***{number}" for number in range(32)]


def test_a_program_is_asked_without_being_shown(capfd: pytest.CaptureFixture[str]) -> None:
    said = process.read(["sh", "-c", "echo out; echo err >&2; exit 3"])

    assert not said
    assert (said.code, said.text, said.errors) == (3, "out\n", "err\n")
    assert capfd.readouterr() == ("", "")


def test_starting_programs_is_cheap_to_import() -> None:
    script = f"import sys; sys.path.append({str(ROOT)!r}); import pipelines.programs.process"
    words = [sys.executable, "-I", "-S", "-c", f"{script}; print(*sys.modules)"]
    loaded = process.run(words, capture=True).output.split()

    heavy = {"dataclasses", "tempfile", "concurrent.futures", "psutil", "inspect", "msgspec"}
    assert heavy.isdisjoint(loaded)


def test_what_runs_beside_ends_with_the_context() -> None:
    with process.beside(("cat",)) as program:
        assert program.poll() is None

    assert program.poll() is not None


def test_what_runs_beside_reads_the_end_of_its_input_when_we_are_killed(pipe: Path) -> None:
    script = (
        "import os, signal; from pipelines.programs import process\n"
        f"with process.beside(('sh', '-c', 'cat; echo over > {pipe}')):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )

    subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT)

    assert pipe.read_text() == "over\n"
