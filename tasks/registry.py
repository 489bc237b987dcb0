"""The registry of images on this machine, where there is no other."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines.root import find_root
from tasks._task import task


@task(help={"port": "of the loopback (default 5000)"})
def start(c: Context, port: int = 5000) -> None:
    """Start a registry of images on the loopback, after installing what it takes.

    Example: inv registry.start --port 5001
    """
    from pipelines.containers import registry

    registry.start(find_root(Path.cwd()), port=port)


@task()
def stop(c: Context) -> None:
    """Stop the registry that `registry.start` started; what it holds stays.

    Example: inv registry.stop
    """
    from pipelines.containers import registry

    registry.stop(find_root(Path.cwd()))
