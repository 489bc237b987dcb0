"""What a person sees of a run: what is running, how each step ended, and what it adds up to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from pipelines import console
from pipelines.console import Colour
from pipelines.running.execution import masker_of
from pipelines.step import Counts, Result, Status, Step

if TYPE_CHECKING:  # rich is imported when there is something to animate, and only then
    from pipelines.reporting.live import Live

TAIL = 40  # lines of a failed step's log
ROWS = 20  # of the summary for each way to end well or not at all; failures are all listed
_COLOURS = {
    Status.PASSED: Colour.GOOD,
    Status.HELD: Colour.DIM,
    Status.FAILED: Colour.BAD,
    Status.SKIPPED: Colour.WARN,
    Status.NOT_RUN: Colour.WARN,
}


def make(total: int, *, quiet: bool = False) -> Report:
    """The report on a run of `total` steps: animated on a terminal, plain lines elsewhere.

    `quiet` is for a step that shows its own output as it goes: nothing is drawn over that, and
    nothing is shown twice.
    """
    seen = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return Report(total, is_live=seen and not quiet, quiet=quiet)


class Report:
    """Tells on stderr how a run goes; for one thread, inside a `with`."""

    def __init__(self, total: int, *, is_live: bool, quiet: bool = False) -> None:
        self._total = total
        self._is_live = is_live
        self._quiet = quiet
        self._live: Live | None = None
        self._ended = 0

    def __enter__(self) -> Report:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def started(self, step: Step) -> None:
        """Say that the step runs now."""
        if self._is_live and not self._live:
            # Not before: a run in which all evidence holds starts nothing and draws nothing.
            from pipelines.reporting.live import Live

            self._live = Live(self._total, ended=self._ended)
        if self._live:
            self._live.add(step.id)
        elif self._quiet:
            masker = masker_of(step)
            console.command([masker.text(word) for word in step.argv] if masker else step.argv)

    def ended(self, result: Result, log: bytes) -> None:
        """Say how the step ended; of a failure also what it said last, masked as `log` is."""
        self._ended += 1
        if self._live:
            self._live.remove(result.step.id, ended=self._ended)
        if result.status in (Status.HELD, Status.SKIPPED):  # counted below; here they bury the rest
            return
        console.progress(line(result))
        text = log.decode(errors="replace").rstrip()
        if result.status is Status.FAILED:
            self._unfold(result, text)
        if text and not self._quiet:
            console.fold(result.step.id, text)

    def _unfold(self, result: Result, text: str) -> None:
        lines = text.splitlines()
        if lines and not self._quiet:
            console.progress("\n".join(f"  {each}" for each in lines[-TAIL:]))
        if result.record:
            console.progress(f"whole log: inv ledger.show --record {result.record[:12]} --log")


def line(result: Result) -> str:
    """One line about a step that has ended, in columns: `lint:fabric   passed   0.8s`."""
    status = console.paint(
        result.status.value.ljust(11), _COLOURS[result.status], stream=sys.stderr
    )
    columns = f"{result.step.id:<20} {status} {_time(result):>6}  {remark(result)}"
    return columns.rstrip()


def remark(result: Result) -> str:
    """What is worth to be known beside the status: counts of tests, why it failed, marks."""
    parts = (
        counted(result.counts) if result.counts else "",
        result.message,
        f"attempt {result.attempt}" if result.attempt > 1 else "",
        "" if result.is_controlled else "uncontrolled",
    )
    return "; ".join(part for part in parts if part)


def counted(counts: Counts) -> str:
    """Tests in words: `214 passed, 1 skipped`.

    >>> counted(Counts(run=213, passed=212, failed=1, skipped=0))
    '212 passed, 1 failed'
    """
    named = ((counts.passed, "passed"), (counts.failed, "failed"), (counts.skipped, "skipped"))
    return ", ".join(f"{count} {word}" for count, word in named if count) or "no tests"


def duration(seconds: float) -> str:
    """A time as a person says it.

    >>> [duration(it) for it in (0.0784, 4.21, 331, 3725)]
    ['78ms', '4.2s', '5m 31s', '1h 02m']
    """
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def summary(results: Sequence[Result], *, seconds: float | None) -> str:
    """A table of the steps that were to run, and one line of totals over all of them.

    Failures stand last, next to the totals. Steps from the ledger, and those that were not started
    because another had failed, are only counted. How long the
    run took is not said when it is None.
    """
    rows = [
        *_capped(it for it in results if it.status is Status.NOT_RUN),
        *_capped(it for it in results if it.status is Status.SKIPPED and it.message),
        *_capped(it for it in results if it.status is Status.PASSED),
        *(_row(it) for it in results if it.status is Status.FAILED),
    ]
    table = [console.table(("step", "result", "time", ""), rows)] if rows else []
    return "\n".join([*table, *_uncontrolled(results), _totals(results, seconds)])


def _capped(results: Iterable[Result]) -> Iterable[Sequence[str]]:
    alike = list(results)
    yield from map(_row, alike[:ROWS])
    if len(alike) > ROWS:
        yield f"and {len(alike) - ROWS} more", _painted(alike[0].status), "", ""


def _row(result: Result) -> Sequence[str]:
    return result.step.id, _painted(result.status), _time(result), remark(result)


def _painted(status: Status) -> str:
    return console.paint(status.value, _COLOURS[status], stream=sys.stderr)


def _time(result: Result) -> str:
    has_run = result.status not in (Status.SKIPPED, Status.NOT_RUN)
    return duration(result.seconds) if has_run else ""


def _uncontrolled(results: Sequence[Result]) -> Iterable[str]:
    """Which gates nobody has seen fail, also among those whose evidence holds."""
    counts: dict[str, int] = {}
    for result in results:
        if result and not result.is_controlled:
            counts[result.step.name] = counts.get(result.step.name, 0) + 1
    if counts:
        named = ", ".join(f"{name} ({count})" for name, count in counts.items())
        # Not painted: a run in which nothing changes repeats these words, wherever it prints them.
        yield f"uncontrolled: {named}"


def _totals(results: Sequence[Result], seconds: float | None) -> str:
    numbers = dict.fromkeys(Status, 0)
    for result in results:
        numbers[result.status] += 1
    if not numbers[Status.NOT_RUN]:
        del numbers[Status.NOT_RUN]  # most machines have all tools
    counts = ", ".join(f"{count} {status.value}" for status, count in numbers.items())
    saved = sum(it.seconds for it in results if it.status is Status.HELD)
    steps = "1 step" if len(results) == 1 else f"{len(results)} steps"
    total = f"{steps}: {counts}" + ("" if seconds is None else f" in {duration(seconds)}")
    return f"{total} ({duration(saved)} saved)" if numbers[Status.HELD] else total
