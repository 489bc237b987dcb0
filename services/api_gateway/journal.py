"""The newest events of one feed, kept for all who follow it."""

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is sent, but for its id; `cursor` is its feed's, just behind it."""

    cursor: str
    text: bytes


class LaggedError(Exception):
    """A follower fell so far behind that what it needs next is no longer kept."""


class Journal:
    """The newest `size` events after `start`, each with a place; places count up from 1."""

    def __init__(self, start: str, *, size: int) -> None:
        self.start = start  # the cursor just before the oldest event kept
        self._size = size
        self._events: deque[Event] = deque()
        self._last_place = 0
        self._places: dict[str, int] = {start: 0}
        self._grown = asyncio.Event()

    @property
    def head(self) -> str:
        """The cursor behind the newest event."""
        return self._events[-1].cursor if self._events else self.start

    def append(self, event: Event) -> None:
        """Add the next event, and wake whoever waits for it."""
        if len(self._events) == self._size:
            del self._places[self.start]
            self.start = self._events.popleft().cursor
        self._events.append(event)
        self._last_place += 1
        self._places[event.cursor] = self._last_place
        self._grown.set()
        self._grown = asyncio.Event()

    def place(self, cursor: str) -> int | None:
        """Return the place of a cursor.

        `None` if it is older than what is kept, or if this process has not read so far yet.
        """
        return self._places.get(cursor)

    async def after(self, place: int) -> list[Event]:
        """Return the events behind `place`, waiting until there is one.

        Raises:
            LaggedError: some of them are gone.
        """
        while self._last_place == place:
            await self._grown.wait()
        missing = self._last_place - place
        if missing > len(self._events):
            raise LaggedError
        return [self._events[index] for index in range(-missing, 0)]
