"""What was read or made of files, kept for whoever asks next, as long as there is room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_SHARE = 4  # what takes more than one such part of all the room is not kept


class Kept(Generic[T]):
    """Things by name; the first stay.

    All go through the files in the same order: to drop the oldest for the newest would drop each
    just before it is asked for again.
    """

    def __init__(self, room: int) -> None:
        self._left = room
        self._largest = room // _SHARE
        self._things: dict[str, T] = {}

    def get(self, name: str, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """The thing of that name, made when it is not there."""
        try:
            return self._things[name]
        except KeyError:
            thing = make()
        room = size(thing)
        if room <= min(self._left, self._largest):
            self._left -= room
            self._things[name] = thing
        return thing
