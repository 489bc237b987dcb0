"""Secrets of an environment: made, looked at, replaced; no value is ever printed."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines import compose, console
from pipelines.deploy.site import parts
from pipelines.environments import load
from pipelines.root import find_root
from pipelines.secrets import choice, delivery, initial
from tasks._task import task


@task(positional=["environment"], help={"environment": "which one"})
def init(c: Context, environment: str) -> None:
    """Make every secret that is missing and can be made; what is there is left alone.

    Example: inv secrets.init staging
    """
    root = find_root(Path.cwd())
    described = load(root, environment)
    project = compose.of(root, environ=dict(described.variables))
    names = delivery.granted(parts(project, described.profiles).services)
    provider = choice.of(root, environment, described.secrets)
    for it in initial.init(project, names, provider):
        console.result(f"{it.name}: {it.outcome.value} {it.version}".rstrip())
