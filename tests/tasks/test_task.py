"""The border: what a person sees of an error."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.program import Program

from pipelines.errors import ConfigError, MachineError, SummitError, Where
from tasks._task import task


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """A task takes over SIGTERM and SIGHUP for the rest of the program; here that is the tests."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in kept:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def exit_code(body: Callable[[], object]) -> object:
    """What `inv boom` ends with when the task does `body`."""

    @task()
    def boom(c: Context) -> None:
        body()

    with pytest.raises(SystemExit) as ended:
        Program(namespace=Collection(boom)).run(["inv", "boom"])
    return ended.value.code


def fail_with(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SummitError("fusion is not healthy"), 1, "error: fusion is not healthy\n"),
        (
            ConfigError("unknown key", where=Where(Path("compose.yaml"), 3), hint="remove it"),
            2,
            "error: compose.yaml:3: unknown key; remove it\n",
        ),
        (MachineError("no space"), 5, "error: no space\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_expected_error_is_one_line_and_its_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert exit_code(fail_with(error)) == code
    assert capsys.readouterr() == ("", line)


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code(fail_with(ZeroDivisionError()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_kill_unwinds(number: signal.Signals) -> None:
    assert exit_code(lambda: os.kill(os.getpid(), number)) == 128 + number


def test_nohup_is_respected() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    @task()
    def quiet(c: Context) -> None:
        os.kill(os.getpid(), signal.SIGHUP)

    Program(namespace=Collection(quiet)).run(["inv", "quiet"], exit=False)

    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
