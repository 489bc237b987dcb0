"""The report: lines when nobody watches, a drawing on a terminal, and what it adds up to."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipelines.reporting import report
from pipelines.step import Counts, Result, Status, Step

ROOT = Path(__file__).parents[2]
RECORD = "0123456789abcdef" * 4

# A run as a scheduler tells of it; `end` comes last, inside the `with`.
RUN = """
import sys
from pipelines.reporting import report
from pipelines.step import Result, Status, Step
lint, test = Step("lint", "kit", ("ruff",)), Step("test", "kit", ("pytest",))
with report.make(2) as live:
    live.ended(Result(lint, Status.HELD), b"")
    {middle}
    {end}
"""
ONE_RUNS = 'live.started(test); live.ended(Result(test, Status.PASSED, seconds=1), b"")'
LOADED = 'print(sorted({"rich", "pipelines.reporting.live"} & set(sys.modules)))'


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def ended(id_: str, status: Status, seconds: float = 0.0, **more: Any) -> Result:
    name, _, component = id_.partition(":")
    return Result(Step(name, component, ("true",)), status, seconds=seconds)._replace(**more)


def shown(
    capsys: pytest.CaptureFixture[str], result: Result, log: bytes = b"", *, quiet: bool = False
) -> str:
    """What is printed, all on stderr, when a step starts and ends."""
    with report.make(1, quiet=quiet) as live:
        live.started(result.step)
        live.ended(result, log)
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def on_a_terminal(script: str, **variables: str) -> tuple[str, str]:
    """What the terminal that stderr is connected to got, and what stdout, a pipe, got."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", **variables},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as program:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # EIO is a terminal's end
            while part := os.read(ours, 4096):
                written += part
        os.close(ours)
        assert program.stdout
        return written.decode(), program.stdout.read()


def test_a_step_is_one_line_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    line = shown(capsys, ended("lint:fabric", Status.PASSED, 0.8))

    assert line == "lint:fabric          passed        0.8s\n"


def test_tests_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    counts = Counts(run=214, passed=214, failed=0, skipped=1)

    line = shown(capsys, ended("test:fabric", Status.PASSED, 331, counts=counts))

    assert line == "test:fabric          passed      5m 31s  214 passed, 1 skipped\n"


def test_evidence_that_holds_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, ended("lint:fabric", Status.HELD, 3)) == ""


def test_a_failure_is_unfolded_with_its_last_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log = "".join(f"line {number}\n" for number in range(100)).encode()
    failed = ended("lint:kit", Status.FAILED, 2, message="exit code 1", record=RECORD)

    first, *tail, last = shown(capsys, failed, log).splitlines()

    assert first == "lint:kit             failed        2.0s  exit code 1"
    assert tail == [f"  line {number}" for number in range(60, 100)]
    assert last == "whole log: inv ledger.show --record 0123456789ab --log"


def test_a_failure_without_a_record_names_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "ledger.show" not in shown(capsys, ended("lint:kit", Status.FAILED), b"bad\n")


def test_a_log_that_is_no_text_is_shown_as_well_as_it_can_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "  \ufffd\ufffd bad" in shown(capsys, ended("lint:kit", Status.FAILED), b"\xff\xfe bad")


def test_a_step_that_shows_itself_is_not_shown_twice(capsys: pytest.CaptureFixture[str]) -> None:
    failed = ended("test:kit", Status.FAILED, 1)

    lines = shown(capsys, failed, b"1 failed\n", quiet=True).splitlines()

    assert lines == ["+ true", "test:kit             failed        1.0s"]


@pytest.mark.parametrize("status", [Status.PASSED, Status.FAILED])
def test_whole_logs_fold_in_github_actions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: Status
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    lines = shown(capsys, ended("lint:kit", status), b"first\n" * 50)

    assert lines.endswith("::group::lint:kit\n" + "first\n" * 50 + "::endgroup::\n")


def test_nobody_watching_costs_no_rich() -> None:
    outcome = run(RUN.format(middle=ONE_RUNS, end=LOADED))

    assert outcome.stdout == "[]\n"
    assert outcome.stderr == "test:kit             passed        1.0s\n"


def test_a_terminal_sees_what_runs_and_a_pipe_does_not() -> None:
    drawn, piped = on_a_terminal(RUN.format(middle=ONE_RUNS, end="print('result')"))

    assert "1 of 2 steps" in drawn
    assert "2 of 2 steps" in drawn
    assert "\x1b[32mpassed     \x1b[0m   1.0s\r\n" in drawn
    assert piped == "result\n"


def test_nothing_is_drawn_when_nothing_runs() -> None:
    assert on_a_terminal(RUN.format(middle="pass", end=LOADED)) == ("", "[]\n")


def test_a_dumb_terminal_gets_plain_lines() -> None:
    drawn, _ = on_a_terminal(RUN.format(middle=ONE_RUNS, end="pass"), TERM="dumb")

    assert drawn == "test:kit             passed        1.0s\r\n"


@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "pass"])
def test_the_cursor_is_given_back_however_it_ends(end: str) -> None:
    drawn, _ = on_a_terminal(RUN.format(middle="live.started(test)", end=end))

    assert "\x1b[?25l" in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    assert drawn.rindex("test:kit") < drawn.rindex("\x1b[2K")  # erased again


def test_no_colours_are_drawn_when_none_are_wanted() -> None:
    drawn, _ = on_a_terminal(RUN.format(middle=ONE_RUNS, end="pass"), NO_COLOR="1")

    assert "\x1b[32m" not in drawn


def test_long_lines_stay_whole_on_a_terminal() -> None:
    said = "live.started(test); live.ended(Result(test, Status.FAILED), b'[word] ' * 40)"

    drawn, _ = on_a_terminal(RUN.format(middle=said, end="pass"))

    assert "[word] " * 39 + "[word]" in drawn


def summed(*results: Result) -> list[str]:
    return report.summary(results, seconds=4.2).splitlines()


def test_a_summary_counts_every_way_to_end() -> None:
    results = [
        *(ended(f"lint:{number}", Status.PASSED) for number in range(3)),
        *(ended(f"types:{number}", Status.HELD, 41.375) for number in range(8)),
        ended("test:kit", Status.FAILED),
    ]

    assert summed(*results)[-1] == (
        "12 steps: 3 passed, 8 from ledger, 1 failed, 0 skipped in 4.2s (5m 31s saved)"
    )


def test_a_summary_lists_what_ran_and_the_failures_last() -> None:
    lines = summed(
        ended("lint:kit", Status.FAILED, 0.8, message="exit code 1"),
        ended("types:kit", Status.PASSED, 12, is_controlled=False),
        ended("audit:kit", Status.HELD, 9),
        ended("test:kit", Status.SKIPPED, message="needs lint:kit"),
    )

    assert lines[:-1] == [
        "step       result   time",
        "test:kit   skipped         needs lint:kit",
        "types:kit  passed   12.0s  uncontrolled",
        "lint:kit   failed   0.8s   exit code 1",
        "uncontrolled: types (1)",
    ]


def test_a_run_from_the_ledger_is_one_line() -> None:
    assert summed(ended("lint:kit", Status.HELD, 60)) == [
        "1 step: 0 passed, 1 from ledger, 0 failed, 0 skipped in 4.2s (1m 00s saved)"
    ]


def test_a_summary_of_no_particular_run_has_no_time() -> None:
    assert report.summary([ended("lint:kit", Status.HELD, 60)], seconds=None) == (
        "1 step: 0 passed, 1 from ledger, 0 failed, 0 skipped (1m 00s saved)"
    )


def test_held_evidence_of_an_uncontrolled_gate_is_marked_too() -> None:
    results = [ended(f"lint:{name}", Status.HELD, 1, is_controlled=False) for name in "abc"]

    assert summed(*results)[0] == "uncontrolled: lint (3)"


def test_thousands_of_steps_are_not_thousands_of_rows() -> None:
    skipped = [
        ended(f"test:{number}", Status.SKIPPED, message="needs lint:kit") for number in range(1000)
    ]
    failed = [ended(f"lint:{number}", Status.FAILED) for number in range(30)]

    lines = summed(*skipped, *failed)

    assert "and 980 more  skipped" in lines
    assert sum("failed" in line for line in lines[:-1]) == len(failed)


def test_what_was_not_started_after_a_failure_is_only_counted() -> None:
    lines = summed(ended("lint:kit", Status.FAILED), ended("test:kit", Status.SKIPPED))

    assert not any("test:kit" in line for line in lines)
    assert lines[-1].startswith("2 steps: 0 passed, 0 from ledger, 1 failed, 1 skipped")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0ms"),
        (0.0994, "99ms"),
        (0.0996, "0.1s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (3599.6, "1h 00m"),
        (90061, "25h 01m"),
    ],
)
def test_times_are_said_as_a_person_would(seconds: float, words: str) -> None:
    assert report.duration(seconds) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0, 0), "no tests"),
        ((3, 2, 1, 4), "2 passed, 1 failed, 4 skipped"),
        ((0, 0, 0, 2), "2 skipped"),
    ],
)
def test_counts_leave_out_what_there_is_none_of(counts: Sequence[int], words: str) -> None:
    assert report.counted(Counts(*counts)) == words
