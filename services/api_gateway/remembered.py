"""A value that is worth asking for only now and then, however many want it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Asks `make` for a value and for how many seconds it is good; one asks, the others wait."""

    def __init__(self, make: Callable[[], Awaitable[tuple[T, float]]]) -> None:
        self._make = make
        self._asking = asyncio.Lock()
        self._kept: tuple[T, float] | None = None

    async def get(self) -> T:
        """Return the value, made anew if the last one is no longer good."""
        async with self._asking:
            if self._kept is None or time.monotonic() >= self._kept[1]:
                value, seconds = await self._make()
                self._kept = value, time.monotonic() + seconds
            return self._kept[0]
