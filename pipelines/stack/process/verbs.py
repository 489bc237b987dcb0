"""The process engine's verbs: up, down, restart, and what is running now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from pipelines import console
from pipelines.compose.model import Service
from pipelines.errors import MachineError, SummitError
from pipelines.stack import secrets
from pipelines.stack.engine import OnChange
from pipelines.stack.health import NotHealthy, NotRunning
from pipelines.stack.place import Place, one_command_at_a_time
from pipelines.stack.process import control, postgres_binaries, recovery
from pipelines.stack.process.control import (
    Down,
    Now,
    Restart,
    Runs,
    SupervisorGone,
    Told,
    Up,
    Watch,
)
from pipelines.stack.process.launch import Launch, Layout, assign_ports
from pipelines.stack.stack import Stack
from pipelines.stack.status import Status

START_TIMEOUT = 20.0  # seconds for a supervisor to listen, or to end once it has said so

LAST_WORDS = 0.3  # seconds for the others to fail too once one is lost: one cause, one report


class SupervisorKilled(SummitError):
    """The supervisor ended without stopping what it had started."""

    def __init__(self, left: int) -> None:
        super().__init__(
            f"the supervisor is gone (killed, or the machine went down); {left} processes are left",
            hint="`inv up` puts it right, `inv down` stops them",
        )


@dataclass(frozen=True)
class Running:
    """What runs now. `supervised` is False when only a killed supervisor's last words are known."""

    statuses: tuple[Status, ...]
    launches: dict[str, Launch]
    supervised: bool

    def __bool__(self) -> bool:
        return bool(self.statuses)

    def launch(self, name: str) -> Launch:
        if name not in self.launches:
            raise NotRunning(name)
        return self.launches[name]


def up(
    stack: Stack,
    *,
    only: Sequence[str],
    timeout: float,
    on_change: OnChange,
    profiles: Sequence[str] = (),
    fork: bool = True,
) -> Running:
    """Bring the services (all, or these and what they need) up and return once all are healthy.

    Raises NotHealthy after `timeout` seconds, or as soon as one cannot become healthy; what runs
    goes on running, to be looked at. Interrupted, it takes down what it has brought up.
    """
    deadline = time.monotonic() + timeout
    services = stack.project.selected(profiles=profiles, only=only)
    was_running = start(stack, services, fork=fork)
    try:
        wait_until_ready(stack.place, set(services), deadline, on_change, timeout=timeout)
    except (KeyboardInterrupt, SystemExit):
        if not was_running:
            down(stack.place)
        raise
    return now(stack.place)


def start(stack: Stack, services: Mapping[str, Service], *, fork: bool = True) -> bool:
    """Have these services started, what runs as it should left alone; waits for none of them.

    Returns whether the stack was running before.
    """
    stack.place.prepare()
    with one_command_at_a_time(stack.place):
        was_running = recovery.is_supervised(stack.place)
        launches = resolve(stack, services, fork=fork)
        if not was_running:
            if stack.place.run:  # whoever began the run has its lifeline, and nobody else
                raise SupervisorGone
            _clean_up(stack.place)
            start_supervisor(stack.place)
        preload = [str(module) for module in stack.project.extension.get("preload", [])]
        _tell(stack.place, Up(launches, preload, stack.python))
    return was_running


def resolve(stack: Stack, services: Mapping[str, Service], *, fork: bool = True) -> list[Launch]:
    """The launches of these services, beside what runs already; generates the missing secrets."""
    running = now(stack.place)
    ports = {s.name: s.port for s in running.statuses if s.port} if running.supervised else {}
    secrets.provide(stack.project, services.values(), stack.place)
    present = frozenset(running.launches) | frozenset(services)
    # A run leaves the usual ports to the person who works here.
    is_usual = stack.keeps_ports and not stack.place.run
    ports |= assign_ports(services, running=ports, keep_usual=is_usual)
    known = {**ports, **stack.beside}
    layout = Layout(
        *(stack.place, stack.project, present, known),
        hosts=stack.hosts,
        fork=fork,
        python=stack.python,
    )
    return [layout.launch(service) for service in services.values()]


def restart(stack: Stack, names: Sequence[str], *, timeout: float, on_change: OnChange) -> Running:
    """Stop and start these services (without names: all that are no jobs), and wait for health."""
    running = require(stack.place)
    chosen = [running.launch(name).name for name in names] or [
        launch.name for launch in running.launches.values() if not launch.is_job
    ]
    deadline = time.monotonic() + timeout
    with one_command_at_a_time(stack.place):
        _tell(stack.place, Restart(chosen))
    wait_until_ready(stack.place, set(chosen), deadline, on_change, timeout=timeout)
    return now(stack.place)


def down(place: Place) -> None:
    """Stop everything, supervised or left behind by a supervisor that was killed."""
    if not place.state.exists():
        return
    with one_command_at_a_time(place):
        if recovery.is_supervised(place):
            _tell(place, Down())
            _until_ended(place)
        _clean_up(place)
        place.snapshot.unlink(missing_ok=True)


def _clean_up(place: Place) -> None:
    left = recovery.clean(place)
    if left:
        console.progress(f"the last supervisor was killed; stopped {left} processes it had left")


def drop_volumes(stack: Stack) -> None:
    """Delete the data of all volumes; the stack must be down."""
    for service in stack.project.services.values():
        for mount in service.volumes:
            if mount.kind == "volume" and mount.source:
                data = stack.place.volumes / mount.source
                for folder in (data, postgres_binaries.sheltered(data)):
                    shutil.rmtree(folder, ignore_errors=True)


def now(place: Place) -> Running:
    """What runs at this moment, or ran when the supervisor was killed."""
    if not recovery.is_supervised(place):
        return Running(tuple(control.read_snapshot(place.snapshot)), {}, supervised=False)
    replies = list(_ask(place, Now()))
    launches = {reply.launch.name: reply.launch for reply in replies if isinstance(reply, Runs)}
    statuses = tuple(reply.status for reply in replies if isinstance(reply, Told))
    return Running(statuses, launches, supervised=True)


def require(place: Place) -> Running:
    """What runs now; raises NotRunning if nothing does."""
    running = now(place)
    if not running.supervised:
        raise NotRunning
    return running


def wait_until_ready(
    place: Place, names: set[str], deadline: float, on_change: OnChange, *, timeout: float
) -> None:
    """Follow these services until all are ready; raises NotHealthy as `up` does."""
    latest: dict[str, Status] = {}
    lost: dict[str, Status] = {}  # kept as they were then: one in a crash loop starts again

    def missing() -> list[Status]:
        return [s for s in (latest | lost).values() if not s.is_ready]

    def left() -> float:
        return deadline - time.monotonic()

    try:
        for reply in control.ask(place, Watch(), timeout=left):
            if not isinstance(reply, Told) or reply.status.name not in names:
                continue
            latest[reply.status.name] = reply.status
            on_change(reply.status)
            if reply.status.state.is_lost:
                deadline = deadline if lost else min(deadline, time.monotonic() + LAST_WORDS)
                lost[reply.status.name] = reply.status
            if len(latest) == len(names) and not missing():
                return
    except TimeoutError:
        raise NotHealthy(missing(), "" if lost else f" after {timeout:g} s") from None


def start_supervisor(place: Place, lifeline: int | None = None) -> subprocess.Popen[bytes]:
    """Start it in a session of its own and wait until it listens.

    The stack of a run ends when the other end of `lifeline`, a pipe, is closed: with the run.
    """
    of_run = [] if lifeline is None else [place.run, str(lifeline)]
    ready, told = os.pipe()
    with os.fdopen(ready, "rb") as answer, place.log("supervisor").open("ab") as log:
        module = (sys.executable, "-m", "pipelines.stack.process.supervisor")
        supervisor = subprocess.Popen(
            [*module, str(place.root), str(told), *of_run],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[told] if lifeline is None else [told, lifeline],
            env={**os.environ, "PYTHONPATH": _import_path()},
        )
        os.close(told)
        if answer.readline() != b"ready\n":
            raise MachineError(f"the supervisor did not start; see {place.log('supervisor')}")
    return supervisor


def _import_path() -> str:
    """So that the supervisor finds this very package, from whichever folder it is started."""
    here = str(Path(__file__).parents[3])
    return os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))


def _ask(place: Place, request: control.Request) -> Iterator[control.Reply]:
    """Ask a supervisor that lives but may not listen yet, or is about to end."""
    for attempt in Retrying(
        retry=retry_if_exception_type((ConnectionError, FileNotFoundError)),
        wait=wait_fixed(0.02),
        stop=stop_after_delay(START_TIMEOUT),
        reraise=True,
    ):
        with attempt:
            replies = list(control.ask(place, request))
    yield from replies


def _tell(place: Place, request: control.Request) -> None:
    for _ in _ask(place, request):
        pass


def _until_ended(place: Place) -> None:
    Retrying(
        retry=retry_if_result(bool), wait=wait_fixed(0.01), stop=stop_after_delay(START_TIMEOUT)
    )(recovery.is_supervised, place)
