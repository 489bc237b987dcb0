"""Steps run as soon as they can, side by side, and none outlives the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest
from hypothesis import given, strategies as st

from pipelines.programs import process
from pipelines.reporting.report import Report
from pipelines.running import scheduler
from pipelines.running.scheduler import Work
from pipelines.step import Result, Status, Step
from tests import unmeasured

ROOT = Path(__file__).parents[2]
Judge = Callable[[Step], Status]


def step(id_: str, *needs: str) -> Step:
    name, _, component = id_.partition(":")
    return Step(name, component, (name,), needs=needs)


def is_alive(process_id: int) -> bool:
    """Whether it still runs; the orphan that nobody has asked about yet does not."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Told(Report):
    """Keeps what it is told instead of showing it."""

    def __init__(self) -> None:
        super().__init__(0, is_live=False)
        self.starts: list[str] = []
        self.ends: list[tuple[str, bytes]] = []

    def started(self, step: Step) -> None:
        self.starts.append(step.id)

    def ended(self, result: Result, log: bytes) -> None:
        self.ends.append((result.step.id, log))


def run(
    *steps: Step, does: Callable[[Step], object], jobs: int = 2, keep_going: bool = False
) -> list[Result]:
    """Run the steps; one whose work returns a status ends like that, any other passes."""

    def work(step: Step) -> Result:
        said = does(step)
        return Result(step, said if isinstance(said, Status) else Status.PASSED)

    return scheduler.run(
        {it.id: it for it in steps},
        Work(run=work, log=lambda _step: b"", stop=lambda: None),
        Told(),
        jobs=jobs,
        keep_going=keep_going,
    )


def endings(results: list[Result]) -> dict[str, tuple[Status, str]]:
    return {it.step.id: (it.status, it.message) for it in results}


@st.composite
def graphs(draw: st.DrawFn) -> list[Step]:
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 8))):
        earlier = [it.id for it in steps]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        steps.append(step(f"s:{number}", *needs, *draw(st.sampled_from([(), ("gone:before",)]))))
    return draw(st.permutations(steps))


@given(steps=graphs(), jobs=st.integers(1, 3), keep_going=st.booleans(), data=st.data())
def test_every_step_ends_once_after_what_it_needs(
    steps: list[Step], jobs: int, keep_going: bool, data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.sampled_from([it.id for it in steps])))
    lock, running, most, passed = threading.Lock(), set(), [0], set()

    def does(step: Step) -> Status:
        with lock:
            assert all(need in passed for need in step.needs if need != "gone:before")
            running.add(step.id)
            most[0] = max(most[0], len(running))
        with lock:
            running.remove(step.id)
            if step.id in bad:
                return Status.FAILED
            passed.add(step.id)
        return Status.PASSED

    results = run(*steps, does=does, jobs=jobs, keep_going=keep_going)

    assert sorted(it.step.id for it in results) == sorted(it.id for it in steps)
    assert most[0] <= jobs
    by_id = endings(results)
    for it in steps:
        fallen = [need for need in it.needs if need in by_id and not by_id[need][0].is_good]
        if fallen:
            assert by_id[it.id] == (Status.SKIPPED, f"needs {', '.join(fallen)}")
        elif keep_going:
            assert by_id[it.id][0] is (Status.FAILED if it.id in bad else Status.PASSED)


def test_as_many_steps_as_there_are_jobs_run_at_once() -> None:
    together = threading.Barrier(3, timeout=30)

    results = run(
        *(step(f"s:{number}") for number in range(6)), does=lambda _: together.wait(), jobs=3
    )

    assert all(results)


def test_never_more_than_the_jobs_run_at_once() -> None:
    places = threading.Semaphore(2)

    def does(_step: Step) -> Status:
        if not places.acquire(blocking=False):
            return Status.FAILED
        both.wait()
        places.release()
        return Status.PASSED

    both = threading.Barrier(2, timeout=30)

    assert all(run(*(step(f"s:{number}") for number in range(8)), does=does, jobs=2))


def test_a_step_starts_once_what_it_needs_passed_whatever_else_is_running() -> None:
    last_began = threading.Event()

    def does(it: Step) -> object:
        if it.id == "long:x":
            return Status.PASSED if last_began.wait(30) else Status.FAILED
        if it.id == "last:x":
            last_began.set()
        return None

    results = run(
        step("long:x"),
        step("first:x"),
        step("next:x", "first:x"),
        step("last:x", "next:x"),
        does=does,
    )

    assert [it.step.id for it in results] == ["first:x", "next:x", "last:x", "long:x"]
    assert all(results)


def failing(*ids: str) -> Judge:
    return lambda step: Status.FAILED if step.id in ids else Status.PASSED


STEPS = (step("bad:x"), step("after:x", "bad:x"), step("last:x", "after:x"), step("other:x"))


def test_after_a_failure_nothing_more_is_started() -> None:
    assert endings(run(*STEPS, does=failing("bad:x"), jobs=1)) == {
        "bad:x": (Status.FAILED, ""),
        "other:x": (Status.SKIPPED, ""),
        "after:x": (Status.SKIPPED, "needs bad:x"),
        "last:x": (Status.SKIPPED, "needs after:x"),
    }


def test_to_keep_going_is_to_run_all_that_does_not_need_what_failed() -> None:
    assert endings(run(*STEPS, does=failing("bad:x"), jobs=1, keep_going=True)) == {
        "bad:x": (Status.FAILED, ""),
        "other:x": (Status.PASSED, ""),
        "after:x": (Status.SKIPPED, "needs bad:x"),
        "last:x": (Status.SKIPPED, "needs after:x"),
    }


def test_what_was_running_when_a_step_failed_ends_as_it_ends() -> None:
    def does(it: Step) -> Status:
        both.wait()
        return Status.FAILED if it.id == "bad:x" else Status.PASSED

    both = threading.Barrier(2, timeout=30)

    assert endings(run(step("bad:x"), step("good:x"), does=does)) == {
        "bad:x": (Status.FAILED, ""),
        "good:x": (Status.PASSED, ""),
    }


def test_the_report_hears_of_every_start_and_end() -> None:
    told = Told()
    work = Work(
        run=lambda it: Result(it, failing("bad:x")(it)),
        log=lambda it: f"said by {it.id}".encode(),
        stop=lambda: None,
    )

    steps = {it.id: it for it in STEPS}
    results = scheduler.run(steps, work, told, jobs=1, keep_going=False)

    assert told.starts == ["bad:x"]
    assert told.ends == [(it.step.id, f"said by {it.step.id}".encode()) for it in results]


def test_an_error_in_a_step_ends_the_run_and_every_other_step(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    stopped = threading.Event()
    children: list[int] = []

    def work(it: Step) -> Result:
        if it.id == "long:x":
            tell = ("sh", "-c", 'echo $$ >"$0"; exec sleep 600', str(pipe))
            return Result(it, Status.FAILED, exit_code=process.run(tell, echo=False).code)
        children.append(int(pipe.read_text()))
        raise RuntimeError("a bug")

    steps = {it.id: it for it in (step("long:x"), step("bug:x"), step("never:x", "bug:x"))}
    told = Told()
    with pytest.raises(RuntimeError, match="a bug"):
        scheduler.run(
            steps,
            Work(run=work, log=lambda _: b"", stop=stopped.set),
            told,
            jobs=2,
            keep_going=True,
        )

    assert stopped.is_set()  # so that nothing waits on for another run
    assert sorted(told.starts) == ["bug:x", "long:x"]
    assert not is_alive(children[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_step_behind(tmp_path: Path, number: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"""
import signal, sys
from pipelines.programs import process
from pipelines.reporting import report
from pipelines.running import scheduler
from pipelines.step import Result, Status, Step
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
tell = 'trap "" TERM; sleep 600 & echo $$ $! >"$0"; wait'
process.GRACE = 0.2

def run(step):
    process.run(("sh", "-c", tell, {str(pipe)!r}), echo=False)
    return Result(step, Status.PASSED)

work = scheduler.Work(run=run, log=lambda step: b"", stop=lambda: None)
steps = {{"one:x": Step("one", "x", ()), "two:x": Step("two", "x", (), needs=("one:x",))}}
scheduler.run(steps, work, report.make(2), jobs=1, keep_going=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=unmeasured.environment(),
        stderr=subprocess.DEVNULL,
    ) as program:
        children = pipe.read_text().split()
        program.send_signal(number)
        program.wait(timeout=60)

    assert program.returncode in (-signal.SIGINT, 143)
    assert not [child for child in children if is_alive(int(child))]


def test_a_signal_that_wakes_nobody_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, heard = threading.Event(), threading.Event()

    class Queue(SimpleQueue[Result | BaseException]):
        def get(self, *how: object, **more: object) -> Result | BaseException:
            waiting.set()
            return super().get(*how, **more)

    def work(it: Step) -> Result:
        assert waiting.wait(20)
        # A signal that another thread takes leaves the one that waits asleep, as does one that
        # comes just before it falls asleep.
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        return Result(it, Status.PASSED if heard.wait(20) else Status.FAILED)

    monkeypatch.setattr(scheduler, "SimpleQueue", Queue)
    # Not as an exception: coverage, as set for greenlets, swallows one that a handler raises while
    # it looks up whose line this is.
    kept = signal.signal(signal.SIGINT, lambda *_: heard.set())
    lint = step("lint:x")
    try:
        (result,) = scheduler.run(
            {lint.id: lint},
            Work(run=work, log=lambda _: b"", stop=lambda: None),
            Told(),
            jobs=1,
            keep_going=True,
        )
    finally:
        signal.signal(signal.SIGINT, kept)

    assert result.status == Status.PASSED


def test_no_steps_are_no_results() -> None:
    assert run(does=lambda _: None) == []
