"""Services that the steps of one run need: there when the first asks, gone with the run."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import secrets
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from pipelines.compose.model import Mount, Service
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, MachineError, SummitError, Where
from pipelines.stack import place as places, report
from pipelines.stack.health import NotHealthy
from pipelines.stack.place import Place
from pipelines.stack.ports import HOST
from pipelines.stack.process import logs, recovery, verbs as engine
from pipelines.stack.process.launch import Launch
from pipelines.stack.process.verbs import Running
from pipelines.stack.stack import Stack

WAIT = 60.0  # seconds for services to become healthy
LAST_WAIT = 60.0  # seconds for all of them to stop, each within its own grace


class NeededNotHealthy(SummitError):
    """A service did not become healthy for a step; `output` ends with its last log lines."""

    def __init__(self, services: Sequence[str], error: NotHealthy, place: Place) -> None:
        causes = ", ".join(
            f"{status.name} ({status.message or status.answer or status.state.value})"
            for status in error.causes
        )
        super().__init__(
            f"service {', '.join(services)} did not become healthy: {causes}",
            hint=f"`inv up --only {services[0]}` brings it up to be looked at",
        )
        self.output = "\n".join(
            report.failure(status, logs.tail(place.log(status.name), report.LOG_LINES))
            for status in error.causes
        )


class Needed:
    """Brings services up for the steps of one run, whichever thread asks.

    A checkout whose own stack is up lends its services: they are used as they are and left alone.
    Everything else runs in a stack of the run, with ports and data of its own. That stack's
    supervisor holds the other end of a pipe of ours and takes everything down once we have closed
    it, or the kernel has for us: a run that is killed leaves nothing behind either.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._one_at_a_time = threading.Lock()
        self._answers: dict[tuple[str, ...], dict[str, str] | SummitError] = {}
        self._own: _RunStack | None = None
        self._is_over = False

    def start(self, services: Sequence[str]) -> dict[str, str]:
        """Return once these services and all they depend on are healthy; at once when they are.

        For each service the result has `SUMMIT_<SERVICE>_ADDRESS` (host:port) where it listens and
        `SUMMIT_<SERVICE>_SECRETS`, the folder of the secrets it is granted; for a database also
        `_USER`, `_DATABASE` and `_PASSWORD_FILE`. Raises ConfigError for an unknown service,
        NeededNotHealthy, MachineError.
        """
        asked = tuple(sorted(set(services)))
        self._check_known(asked)
        with self._one_at_a_time:
            if asked not in self._answers:
                self._answers[asked] = self._start(asked)
            answer = self._answers[asked]
        if isinstance(answer, SummitError):
            raise answer
        return dict(answer)

    def stop(self) -> None:
        """Take down what was started and return when nothing of it is left."""
        self._is_over = True
        if own := self._own:
            own.let_go()  # first: whoever is still waiting for health then ends too
        with self._one_at_a_time:
            if self._own is not None:
                self._own.stop()
                self._own = None

    def digest(self, service: str) -> str:
        """SHA-256, in hexadecimal digits, of what the Compose file says of the service.

        So too of all it depends on. Nothing is started, and no secret's value takes part.
        """
        self._check_known([service])
        definitions = {
            name: _definition(each, self._root)
            for name, each in self._stack.project.selected(only=[service]).items()
        }
        document = msgspec.json.encode(definitions, order="sorted")
        return hashlib.sha256(document).hexdigest()

    @cached_property
    def _stack(self) -> Stack:
        return Stack.of(self._root)

    def _check_known(self, services: Sequence[str]) -> None:
        project = self._stack.project
        for name in services:
            if name not in project.services:
                raise ConfigError(
                    f"no service called {name!r}, which a step needs",
                    where=Where(project.file),
                    hint=nearest(name, project.services),
                )

    def _start(self, asked: tuple[str, ...]) -> dict[str, str] | SummitError:
        """What to answer whoever asks for these, from now on."""
        try:
            running = self._lent(asked)
            if running is not None:
                return _environment(asked, running, self._stack)
            own = self._own_stack()
            return _environment(asked, own.up(asked), own.stack)
        except SummitError as error:
            return error

    def _lent(self, asked: Sequence[str]) -> Running | None:
        """The checkout's own stack, if it has all of these, healthy and as they are described."""
        running = engine.now(self._stack.place)
        ready = {status.name for status in running.statuses if status.is_ready}
        if not running.supervised or not ready.issuperset(asked):
            return None
        services = self._stack.project.selected(only=asked)
        wanted = engine.resolve(self._stack, services)
        is_same = all(
            launch.name in running.launches
            and _is_alike(running.launches[launch.name], launch, services[launch.name])
            for launch in wanted
        )
        return running if is_same else None

    def _own_stack(self) -> _RunStack:
        if self._is_over:
            raise SummitError("the run is over, no service is started for it any more")
        if self._own is None:
            self._own = _RunStack(self._stack)
        return self._own


class _RunStack:
    """The stack of one run and the hold on it."""

    def __init__(self, checkout: Stack) -> None:
        root = checkout.place.root
        with _making(root):
            recovery.sweep(root)
            place = Place(root, secrets.token_hex(4))
            place.prepare()
            theirs, ours = os.pipe()
            self._lifeline = os.fdopen(ours, "wb")
            try:
                self._supervisor = engine.start_supervisor(place, theirs)
            except BaseException:
                self.let_go()
                raise
            finally:
                os.close(theirs)
        self.stack = dataclasses.replace(checkout, place=place)

    def up(self, services: Sequence[str]) -> Running:
        try:
            return engine.up(self.stack, only=services, timeout=WAIT, on_change=lambda status: None)
        except NotHealthy as error:
            raise NeededNotHealthy(services, error, self.stack.place) from None

    def let_go(self) -> None:
        """Tell the supervisor to take everything down."""
        self._lifeline.close()

    def stop(self) -> None:
        self.let_go()
        try:
            self._supervisor.wait(LAST_WAIT)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        place = self.stack.place
        if place.home.exists():  # the supervisor did not get so far
            recovery.clean(place)
            recovery.remove(place)


@contextlib.contextmanager
def _making(root: Path) -> Iterator[None]:
    """One run at a time makes its stack, so that none takes another's for a leftover."""
    runs = places.runs(root)
    try:
        runs.mkdir(parents=True, exist_ok=True)
        lock = (runs / "lock").open("w")
    except OSError as error:
        raise MachineError(f"cannot write to {runs}: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _environment(asked: Sequence[str], running: Running, stack: Stack) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in asked:
        launch = running.launch(name)
        told: dict[str, str] = {}
        if launch.port is not None:
            told["ADDRESS"] = f"{HOST}:{launch.port}"
        if stack.project.services[name].secrets:
            told["SECRETS"] = str(stack.place.grants / name)
        if launch.cluster is not None:
            told["USER"] = launch.cluster.superuser
            told["DATABASE"] = launch.cluster.database
            told["PASSWORD_FILE"] = str(launch.cluster.password_file)
        prefix = f"SUMMIT_{name.upper().replace('-', '_')}_"
        found |= {prefix + key: value for key, value in told.items()}
    return found


def _is_alike(running: Launch, wanted: Launch, service: Service) -> bool:
    """Whether it runs as described now. What it inherited of its shell is not in question."""
    told = service.environment.keys()
    return (running.command, running.cluster, _only(running.environment, told)) == (
        wanted.command,
        wanted.cluster,
        _only(wanted.environment, told),
    )


def _only(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: environment[name] for name in names if name in environment}


def _definition(service: Service, root: Path) -> dict[str, Any]:
    """The service without what differs between two checkouts: lines of the file, its folder."""
    mounts = tuple(_relative(mount, root) for mount in service.volumes)
    return dataclasses.asdict(
        dataclasses.replace(service, volumes=mounts),
        dict_factory=lambda fields: {key: value for key, value in fields if key != "where"},
    )


def _relative(mount: Mount, root: Path) -> Mount:
    if mount.kind != "bind" or mount.source is None:
        return mount
    return dataclasses.replace(mount, source=os.path.relpath(mount.source, root))
