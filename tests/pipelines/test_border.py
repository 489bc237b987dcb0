"""The border: what a person sees of an error, and what a caller gets as exit code."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines import border
from pipelines.errors import ConfigError, MachineError, PolicyError, SummitError, Where

POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """The border takes over these signals for the rest of the program; here that is the tests."""
    kept = {number: signal.getsignal(number) for number in POLITE}
    for number in kept:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def test_a_handler_that_would_end_the_program_gives_way() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)  # a profiler's

    with pytest.raises(SystemExit) as ended:
        border.cross(lambda: os.kill(os.getpid(), signal.SIGTERM))

    assert ended.value.code == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SummitError("fusion is not healthy"), 1, "error: fusion is not healthy\n"),
        (
            ConfigError("unknown key", where=Where(Path("compose.yaml"), 3), hint="remove it"),
            2,
            "error: compose.yaml:3: unknown key; remove it\n",
        ),
        (PolicyError("2 faults in the ledger"), 3, "error: 2 faults in the ledger\n"),
        (MachineError("no space"), 5, "error: no space\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, BaseException) else "",
)
def test_an_expected_error_is_one_line_and_its_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert border.cross(raising(error)) == code
    assert capsys.readouterr() == ("", line)


def test_a_body_that_ends_well_is_0_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert border.cross(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        border.cross(raising(ZeroDivisionError()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_kill_unwinds(number: signal.Signals) -> None:
    left_in_order = []

    def body() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            left_in_order.append(number)

    with pytest.raises(SystemExit) as ended:
        border.cross(body)

    assert ended.value.code == 128 + number
    assert left_in_order == [number]


def test_nohup_is_respected() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    border.cross(lambda: os.kill(os.getpid(), signal.SIGHUP))

    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
