"""Draws what is running at the foot of the terminal, while lines are printed above it."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column


class Live:
    """A line for the run and one for each running step, with the time since it began.

    While it is drawn, what `console` prints passes through rich, which puts it above.
    """

    def __init__(self, total: int, *, ended: int) -> None:
        self._total = total
        self._rows: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            TimeElapsedColumn(),
            # A long line is the terminal's to wrap, so that it can be copied as one.
            console=Console(stderr=True, soft_wrap=True),
            transient=True,
            # stdout may be a file or `| jq`, which must not see the drawing or lose a line to it.
            redirect_stdout=sys.stdout.isatty(),
            refresh_per_second=8,
        )
        self._head = self._progress.add_task(self._share(ended), total=None)
        self._progress.start()

    def add(self, step_id: str) -> None:
        """Draw a line for a step that runs now."""
        self._rows[step_id] = self._progress.add_task(step_id, total=None)

    def remove(self, step_id: str, *, ended: int) -> None:
        """Take away the line of a step that has ended, as the `ended`th of the run."""
        self._progress.update(self._head, description=self._share(ended))
        if step_id in self._rows:
            self._progress.remove_task(self._rows.pop(step_id))

    def stop(self) -> None:
        """Take everything away and leave the terminal as it was."""
        self._progress.stop()

    def _share(self, ended: int) -> str:
        return f"{ended} of {self._total} steps"
