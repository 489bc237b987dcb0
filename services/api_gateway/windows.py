"""A rate-limit storage in memory whose cost does not grow with the number of clients."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits.aio.storage import Storage


@dataclass(slots=True)
class Window:
    """Hits counted for one key until `ends_at` (seconds since the epoch)."""

    hits: int
    ends_at: float


class WindowStorage(Storage):
    """Fixed windows for at most `capacity` keys; past that the oldest window is forgotten.

    The library's own memory storage starts a task at every hit that walks every key it knows.
    """

    STORAGE_SCHEME = None

    def __init__(
        self, *, capacity: int = 100_000, wall_clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self._capacity = capacity
        self._wall_clock = wall_clock
        self._windows: OrderedDict[str, Window] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here can fail; the interface asks for a type."""
        return OSError

    def _live(self, key: str) -> Window | None:
        window = self._windows.get(key)
        return window if window is not None and window.ends_at > self._wall_clock() else None

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count `amount` more for `key`; a first hit opens a window of `expiry` seconds."""
        window = self._live(key)
        if window is None:
            self._windows.pop(key, None)  # so that the new one goes last: oldest first is kept
            while len(self._windows) >= self._capacity:
                self._windows.popitem(last=False)
            window = self._windows[key] = Window(0, self._wall_clock() + expiry)
        window.hits += amount
        return window.hits

    async def get(self, key: str) -> int:
        """Return the hits in the current window."""
        window = self._live(key)
        return window.hits if window else 0

    async def get_expiry(self, key: str) -> float:
        """Return when the current window ends, in seconds since the epoch."""
        window = self._live(key)
        return window.ends_at if window else self._wall_clock()

    async def check(self) -> bool:
        """Return whether the storage can be reached."""
        return True

    async def reset(self) -> int:
        """Forget every window; return how many there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget one key."""
        self._windows.pop(key, None)
