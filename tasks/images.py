"""Container images: the local bases that stand in where no registry can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context

from pipelines.root import find_root
from tasks._task import task


@task(
    iterable=["only"],
    help={
        "only": "a base, such as python or postgres; may be given several times",
        "if_needed": "only where the official images, which are fetched, cannot be had",
        "remove": "remove them instead, and what uses them",
    },
)
def bases(
    c: Context,
    only: Sequence[str] | None = None,
    if_needed: bool = False,
    remove: bool = False,
) -> None:
    """Make the local bases that stand in for official images, where they changed.

    Example: inv images.bases --only python
    """
    from pipelines.images import bases as local

    root = find_root(Path.cwd())
    if remove:
        local.remove(root, only=only or ())
    elif if_needed:
        local.have(root)
    else:
        local.make(root, only=only or ())
