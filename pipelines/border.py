"""The border: the one place where an expected error becomes a message and an exit code."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

from pipelines import console
from pipelines.errors import SummitError

INTERRUPTED = 130
_POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def cross(body: Callable[[], None]) -> int:
    """Run the body and return its exit code.

    A `SummitError` ends as one line `error: ...` on stderr with its own exit code, Ctrl-C as 130.
    Anything else is a bug and keeps its traceback.
    """
    _end_in_order_once()
    try:
        body()
    except SummitError as error:
        console.progress(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        console.progress("interrupted")
        return INTERRUPTED
    return 0


def _end_in_order_once() -> None:
    """Unwind on a polite kill, as on Ctrl-C, so that no started program is left behind."""
    for number in _POLITE:
        # `nohup` ignores SIGHUP on purpose, a shell SIGINT for what runs in the background. Any
        # other handler gives way: that of a profiler ends the process, and leaves its programs.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _unwind)


def _unwind(number: int, _frame: FrameType | None) -> None:
    for each in _POLITE:  # a second one, of somebody impatient, would end the ending
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
