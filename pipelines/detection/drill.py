"""A drill on this checkout's stack: brought up with Prometheus, measured, left without a fault."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from pipelines import console, state
from pipelines.containers import connect
from pipelines.detection import calm, load, picture
from pipelines.detection.faults import FAULTS, FILE, RULES, Fault
from pipelines.detection.measure import Noticed, measure
from pipelines.detection.receiver import listening
from pipelines.detection.undo import undone
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError, SummitError
from pipelines.files import write_atomically
from pipelines.stack import choice
from pipelines.stack.docker.engine import DockerEngine
from pipelines.stack.health import NotRunning
from pipelines.stack.stack import Stack

WAIT = 120.0  # seconds for the stack to be healthy with the drill's settings, and again without
PROFILE = "observability"
VARIABLE = "FAULTS_FILE"  # which the services read; see `services.kit.drill`
FOLDER = "mttd"  # below `.summit`
ADMIN = "admin_client_secret"


def run(start: Path, *, only: Sequence[str] = ()) -> list[Noticed]:
    """Measure all faults, or those whose alert is named, and leave a table and a picture.

    Raises `NotRunning`, `ConfigError` for an unknown alert or an engine other than docker, and what
    `measure` raises.
    """
    faults = chosen(only)
    stack = Stack.of(start)
    if not isinstance(engine := choice.current(stack), DockerEngine):
        if engine.now():
            raise ConfigError(
                "only the docker engine has Prometheus", hint="inv up --engine docker"
            )
        raise NotRunning
    secret = stack.project.secrets[ADMIN].file
    assert secret is not None
    bring_up = partial(_bring_up, start)
    with listening() as receiver, faults_allowed(bring_up), connect() as client:
        addresses = engine.now().addresses
        containers = engine.project.containers(client)
        with load.steady(addresses["api-gateway"], secret.read_text()):
            disturbances = partial(calm.disturbances, addresses["prometheus"], RULES)
            found = list(measure(client, containers, receiver, faults, disturbances, _say))
    _keep(stack.place.root, found)
    return found


def chosen(only: Sequence[str]) -> list[Fault]:
    """The faults whose alerts are named, or all. Raises `ConfigError` for an unknown alert."""
    known = {fault.rule: fault for fault in FAULTS}
    for name in only:
        if name not in known:
            raise ConfigError(f"no fault raises {name!r}", hint=nearest(name, known))
    return [fault for name, fault in known.items() if not only or name in only]


@contextmanager
def faults_allowed(bring_up: Callable[[], object]) -> Iterator[None]:
    """The stack with faults allowed, and at the end without; not again when it never came up."""
    os.environ[VARIABLE] = FILE
    try:
        bring_up()
    finally:
        del os.environ[VARIABLE]
    with undone(bring_up):
        yield


def _bring_up(start: Path) -> None:
    engine = DockerEngine.connected(Stack.of(start))  # read anew: the environment has changed
    engine.up(only=(), profiles=[PROFILE], timeout=WAIT, on_change=lambda status: None)


def _say(fault: Fault) -> None:
    console.progress(f"{fault.name}: {fault.service}")


def _keep(root: Path, found: Sequence[Noticed]) -> None:
    folder = Path(state.make(str(root)), FOLDER)
    folder.mkdir(exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(found)).decode()
    write_atomically(folder / "mttd.json", f"{text}\n")
    write_atomically(folder / "mttd.svg", picture.drawn(found))


class Unnoticed(SummitError):
    """A fault was not told of within its bar."""

    def __init__(self, missed: Sequence[Noticed]) -> None:
        names = ", ".join(it.alert for it in missed)
        super().__init__(f"not noticed in time: {names}")


def judge(found: Sequence[Noticed]) -> None:
    """Raise `Unnoticed` unless every fault was told of within its bar."""
    if missed := [it for it in found if not it.is_met]:
        raise Unnoticed(missed)


def table(found: Sequence[Noticed]) -> str:
    """What each fault came to, in seconds."""
    rows = [
        [it.fault, it.alert, _seconds(it.detected), f"{it.bar:.0f} s", _seconds(it.recovered)]
        for it in found
    ]
    return console.table(["fault", "alert", "noticed", "bar", "recovered"], rows)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
