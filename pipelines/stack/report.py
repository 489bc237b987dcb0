"""What a person sees of a stack: tables, changes as they happen, and why one is not healthy."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from pipelines import console
from pipelines.console import Colour
from pipelines.stack.engine import Running
from pipelines.stack.health import Answer
from pipelines.stack.status import State, Status

LOG_LINES = 10  # of one that is not healthy
COLOURS = {
    State.HEALTHY: Colour.GOOD,
    State.RUNNING: Colour.GOOD,
    State.COMPLETED: Colour.DIM,
    State.STOPPED: Colour.DIM,
    State.UNHEALTHY: Colour.BAD,
    State.CRASH_LOOP: Colour.BAD,
    State.FAILED: Colour.BAD,
}


def services(statuses: Iterable[Status], *, moment: float | None = None) -> str:
    """The table of `ps`: a line per service that stays, and per job that did not end well."""
    moment = time.time() if moment is None else moment
    rows = [
        [
            status.name,
            console.paint(status.state.value, COLOURS.get(status.state, Colour.WARN)),
            str(status.pid or "-"),
            str(status.restarts),
            _ago(moment - status.since),
            status.message or (status.answer if not status.is_ready else ""),
        ]
        for status in statuses
    ]
    return console.table(["service", "state", "pid", "restarts", "for", ""], rows)


def addresses(running: Running) -> str:
    """Where each service listens."""
    rows = [
        [
            status.name,
            running.addresses[status.name],
            console.paint(status.state.value, Colour.GOOD),
        ]
        for status in running.statuses
        if status.name in running.addresses
    ]
    return console.table(["service", "address", "state"], rows)


def answers(found: Mapping[str, tuple[Answer, float]]) -> str:
    """The table of `health`; seconds are shown as milliseconds."""
    rows = [
        [
            name,
            console.paint("healthy", Colour.GOOD)
            if answer
            else console.paint("unhealthy", Colour.BAD),
            f"{seconds * 1000:.0f} ms",
            "" if answer else answer.text,
        ]
        for name, (answer, seconds) in found.items()
    ]
    return console.table(["service", "health", "asked", "answer"], rows)


def change(status: Status) -> str:
    """One line for a change of state."""
    name = f"{status.name:<20}"
    said = f"  {status.message}" if status.message else ""
    return (
        f"{name} {console.paint(status.state.value, COLOURS.get(status.state, Colour.WARN))}{said}"
    )


def failure(status: Status, log: Iterable[str]) -> str:
    """Why a service is not healthy: its state, the probe's last answer, its last log lines."""
    lines = [
        f"{status.name}: {status.state.value}{': ' + status.message if status.message else ''}"
    ]
    if status.answer:
        lines.append(f"  last answer: {status.answer}")
    lines += [f"  | {line}" for line in log]
    return "\n".join(lines)


def prefixes(names: Sequence[str]) -> dict[str, str]:
    """What to put before a service's log lines so that they line up."""
    width = max(map(len, names), default=0)
    return {name: f"{name:<{width}} | " for name in names}


def _ago(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min"
        if hours
        else f"{minutes} min {rest} s"
        if minutes
        else f"{rest} s"
    )
