"""Rates and the windows they are counted in."""

import socket

import limits
import pytest
from limits.aio.strategies import FixedWindowRateLimiter

from services.api_gateway.rates import Rate, address_key, open_storage
from services.api_gateway.windows import WindowStorage

TWICE = limits.parse("2/minute")


class WallClock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_the_third_of_two_requests_is_too_many_and_says_when_to_come_back() -> None:
    rate = Rate("default", TWICE, WindowStorage())

    first, second, third = [await rate.count("tower-1") for _ in range(3)]

    assert [standing.is_exceeded for standing in (first, second, third)] == [False, False, True]
    assert dict(first.headers())[b"ratelimit"].startswith(b'"default";r=1;')
    assert 0 < third.resets_in <= 60
    assert dict(third.headers()) == {
        b"ratelimit-policy": b'"default";q=2;w=60',
        b"ratelimit": b'"default";r=0;t=%d' % third.resets_in,
    }


async def test_clients_are_counted_apart() -> None:
    rate = Rate("default", TWICE, WindowStorage())

    for _ in range(3):
        await rate.count("tower-1")

    assert not (await rate.count("tower-2")).is_exceeded


async def test_a_window_ends_and_the_next_begins_empty() -> None:
    clock = WallClock()
    limiter = FixedWindowRateLimiter(WindowStorage(wall_clock=clock))
    assert [await limiter.hit(TWICE, "a") for _ in range(3)] == [True, True, False]

    clock.seconds += 60

    assert await limiter.hit(TWICE, "a")


async def test_no_more_windows_are_kept_than_there_is_room_for() -> None:
    storage = WindowStorage(capacity=2)

    for client in ("a", "b", "c"):
        await storage.incr(client, 60)

    assert [await storage.get(client) for client in ("a", "b", "c")] == [0, 1, 1]


async def test_without_the_shared_storage_a_replica_counts_for_itself() -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody_listens.getsockname()[1]}"
        async with open_storage(url) as storage:
            rate = Rate("default", TWICE, storage)

            exceeded = [(await rate.count("tower-1")).is_exceeded for _ in range(3)]

    assert exceeded == [False, False, True]


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_stands_for_one_household(host: str, key: str) -> None:
    assert address_key(host) == key
