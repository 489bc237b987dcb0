"""How many requests a client may make: counted here, or in Redis when there are replicas."""

import ipaddress
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from limits import RateLimitItem
from limits.aio.storage import RedisStorage, Storage
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from services.api_gateway.windows import WindowStorage

log = logging.getLogger(__name__)

STORAGE_TIMEOUT_S = 0.25
STORAGE_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one client stands after a request was counted."""

    rate: "Rate"
    hits: int
    resets_in: int

    @property
    def is_exceeded(self) -> bool:
        """Whether this request was one too many."""
        return self.hits > self.rate.limit.amount

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10)."""
        remaining = max(0, self.rate.limit.amount - self.hits)
        state = f'"{self.rate.name}";r={remaining};t={self.resets_in}'
        return [(b"ratelimit-policy", self.rate.policy), (b"ratelimit", state.encode())]


class Rate:
    """One limit, kept for every client apart, in fixed windows."""

    def __init__(self, name: str, limit: RateLimitItem, storage: Storage) -> None:
        self.name = name
        self.limit = limit
        self.policy = f'"{name}";q={limit.amount};w={limit.get_expiry()}'.encode()
        self._storage = storage
        self._own_storage = WindowStorage()
        self._storage_rests_until = 0.0

    async def count(self, client: str) -> Standing:
        """Count one request of `client` and say where that leaves it.

        While the shared storage cannot be reached each replica counts for itself: a limit is a
        courtesy between clients, and not worth refusing all of them.
        """
        key = self.limit.key_for(self.name, client)
        if time.monotonic() >= self._storage_rests_until:
            try:
                return await self._standing(self._storage, key)
            except StorageError as error:
                log.warning("rate limits are counted by this process alone: %s", error)
                self._storage_rests_until = time.monotonic() + STORAGE_PAUSE_S
        return await self._standing(self._own_storage, key)

    async def _standing(self, storage: Storage, key: str) -> Standing:
        # What the library's fixed-window strategy does, but for asking again what `incr` has told.
        hits = await storage.incr(key, self.limit.get_expiry())
        ends_at = await storage.get_expiry(key)
        return Standing(self, hits, max(1, math.ceil(ends_at - time.time())))


@asynccontextmanager
async def open_storage(redis_url: str | None) -> AsyncIterator[Storage]:
    """Hold the storage that all replicas share, or one of this process's own."""
    if redis_url is None:
        yield WindowStorage()
        return
    async with ConnectionPool.from_url(
        redis_url,
        socket_timeout=STORAGE_TIMEOUT_S,
        socket_connect_timeout=STORAGE_TIMEOUT_S,
    ) as pool:
        yield RedisStorage(
            f"async+{redis_url}",
            wrap_exceptions=True,
            implementation="redispy",
            connection_pool=pool,  # type: ignore[arg-type]  # passed on as it is
        )


def address_key(host: str) -> str:
    """Return what stands for an address: itself, or the /64 that one household is given."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a Unix socket, or a test client's name
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False))
