"""Putting things right at the end without hiding what went wrong before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pipelines.errors import SummitError


@contextmanager
def undone(undo: Callable[[], object]) -> Iterator[None]:
    """Undo at the end, however it comes; the first error is the one that is told."""
    try:
        yield
    except BaseException:
        with suppress(SummitError):
            undo()
        raise
    undo()
