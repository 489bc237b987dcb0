"""The container engine of this machine, where it has none that runs by itself."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines.root import find_root
from tasks._task import task


@task(help={"config": "the daemon's configuration file (default /etc/docker/daemon.json)"})
def start(c: Context, config: str = "") -> None:
    """Start a container engine where none answers, after installing what it takes.

    Example: inv engine.start
    """
    from pipelines.containers import host

    host.start(find_root(Path.cwd()), config=Path(config).absolute() if config else None)


@task()
def stop(c: Context) -> None:
    """Stop the container engine that `engine.start` started, and no other.

    Example: inv engine.stop
    """
    from pipelines.containers import host

    host.stop(find_root(Path.cwd()))
