"""How fast a failure is noticed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context

from pipelines import console
from tasks._task import task


@task(
    iterable=["only"],
    help={"only": "an alert, such as ServiceDown; may be given several times"},
)
def mttd(c: Context, only: Sequence[str] | None = None) -> None:
    """Break the running stack in several ways and measure how fast an alert is delivered.

    Example: inv mttd --only ServiceDown
    """
    from pipelines.detection import drill

    found = drill.run(Path.cwd(), only=only or ())
    console.result(drill.table(found))
    drill.judge(found)
