"""Commands run in a service's surroundings while somebody watches: `exec` and the smoke jobs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn

from pipelines.errors import ConfigError
from pipelines.programs import process
from pipelines.stack.health import SMOKE, NotHealthy, SmokeFailed
from pipelines.stack.ports import HOST
from pipelines.stack.process import verbs as engine
from pipelines.stack.process.launch import MARK
from pipelines.stack.stack import Stack


def smoke(stack: Stack) -> None:
    """Run every job of the profile `smoke` against the running stack, and what it lists beside.

    Raises NotRunning, NotHealthy for a service it depends on, SmokeFailed.
    """
    services = stack.project.selected(profiles=[SMOKE])
    jobs = {name: service for name, service in services.items() if SMOKE in service.profiles}
    if not jobs:
        raise ConfigError(f"{stack.project.file}: no service has the profile `{SMOKE}`")
    running = engine.now(stack.place) if stack.beside else engine.require(stack.place)
    ready = {s.name: s for s in running.statuses}
    for launch in engine.resolve(stack, jobs):
        missing = [ready[n] for n in launch.depends_on if n in ready and not ready[n].is_ready]
        if missing:
            raise NotHealthy(missing)
        done = process.run(launch.command, env=launch.environment, cwd=stack.place.root)
        if not done:
            raise SmokeFailed(f"{launch.name} failed with exit code {done.code}")


def execute(stack: Stack, service: str, command: Sequence[str]) -> NoReturn:
    """Become `command`, in a running service's environment; PostgreSQL's has its credentials."""
    launch = engine.require(stack.place).launch(service)
    environment = {name: value for name, value in launch.environment.items() if name != MARK}
    if launch.cluster:
        environment |= {
            "PGHOST": HOST,
            "PGUSER": launch.cluster.superuser,
            "PGDATABASE": launch.cluster.database,
            "PGPASSWORD": launch.cluster.password_file.read_text(),
        }
    os.chdir(launch.directory)
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - as asked
    except FileNotFoundError:
        raise process.ProgramMissing(command[0]) from None
