"""Ends requests whose time is over.

A timer for each request would cost more than all else the kit does; one sweep over the requests at
hand, twenty times a second and only while there are any, costs next to nothing.
"""

import asyncio
from time import monotonic

from services.kit.context import RequestContext

SWEEP_SECONDS = 0.05


class Deadlines:
    """The requests at hand, each with the task that answers it."""

    def __init__(self) -> None:
        self._tasks: dict[RequestContext, asyncio.Task[object]] = {}
        self._is_sweeping = False

    def __len__(self) -> int:
        return len(self._tasks)

    def watch(self, context: RequestContext) -> None:
        """Cancel the current task soon after `context.deadline`, until `release`."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks[context] = task
        if not self._is_sweeping:
            self._is_sweeping = True
            task.get_loop().call_later(SWEEP_SECONDS, self._sweep)

    def release(self, context: RequestContext) -> None:
        """Watch no longer: the answer is complete."""
        del self._tasks[context]

    def _sweep(self) -> None:
        now = monotonic()
        for context, task in self._tasks.items():
            # An answer that has begun may take as long as it likes: it may be a stream.
            if now >= context.deadline and not context.is_answered and not context.is_late:
                context.is_late = True
                task.cancel()
        self._is_sweeping = bool(self._tasks)
        if self._is_sweeping:
            asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)
