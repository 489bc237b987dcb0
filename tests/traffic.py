"""Traffic as a deploy meets it: connections that are kept, new ones, and answers that take long.

Every request is made once. A client that tries again would hide what is to be counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle
from time import monotonic

import aiohttp

PATIENCE = 20.0  # seconds for an answer; who takes longer has failed
PAUSE = 0.005  # seconds between an answer and the next request: the machine is for the deploy too
WORDS = 60  # characters of a body that are kept to count by


@dataclass
class Seen:
    """What has come back so far; safe to read while the traffic flows.

    `failed` has a line for each request without an answer, or with one from 500 on. `bodies` counts
    the answers by the beginning of what they said, `slow` those that were asked of a slow address.
    """

    requests: int = 0
    slow: int = 0
    failed: list[str] = field(default_factory=list)
    bodies: Counter[str] = field(default_factory=Counter)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def until(self, requests: int, *, timeout: float = 120.0) -> None:
        """Return once as many have come back. Raises `TimeoutError`."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.requests >= requests, timeout):
                raise TimeoutError(f"{self.requests} of {requests} requests after {timeout:g} s")

    def until_said(self, body: str, *, timeout: float = 60.0) -> None:
        """Return once an answer began with these words. Raises `TimeoutError`."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.bodies[body[:WORDS]] > 0, timeout):
                raise TimeoutError(f"nobody said {body!r} in {timeout:g} s: {dict(self.bodies)}")

    def _count(self, body: str, *, failure: str = "", is_slow: bool = False) -> None:
        with self.changed:
            self.requests += 1
            self.slow += is_slow
            if failure:
                self.failed.append(failure)
            else:
                self.bodies[body] += 1
            self.changed.notify_all()


@contextmanager
def flowing(
    *urls: str, slow: Sequence[str] = (), kept: int = 6, new: int = 2, slowly: int = 2
) -> Iterator[Seen]:
    """Ask these addresses in turn until the block ends, then wait for every answer that is due.

    `kept` clients have one connection each for as long as the other side lets them, `new` open one
    for each request, `slowly` ask the `slow` addresses, which are to take their time.
    """
    seen, ended = Seen(), threading.Event()
    clients: list[Coroutine[None, None, None]] = [
        *(_ask(urls, seen, ended, closes=False) for _ in range(kept)),
        *(_ask(urls, seen, ended, closes=True) for _ in range(new)),
        *(_ask(slow, seen, ended, closes=False, is_slow=True) for _ in range(slowly) if slow),
    ]
    thread = threading.Thread(target=lambda: asyncio.run(_together(clients)), name="traffic")
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


async def _together(clients: Sequence[Coroutine[None, None, None]]) -> None:
    await asyncio.gather(*clients)


async def _ask(
    urls: Sequence[str], seen: Seen, ended: threading.Event, *, closes: bool, is_slow: bool = False
) -> None:
    connector = aiohttp.TCPConnector(limit=1, force_close=closes)
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        session._retry_connection = False  # noqa: SLF001 - or it asks twice where a server hung up
        for url in cycle(urls):
            if ended.is_set():
                return
            began = monotonic()
            try:
                async with session.get(url) as answer:
                    body = await answer.text()
                is_well = answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
                failure = "" if is_well else f"{answer.status} {body[:WORDS]}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                body, failure = "", f"{type(error).__name__}: {error}"
                await asyncio.sleep(0.01)  # a door that is shut is not to be hammered at
            after = f"{url} after {monotonic() - began:.3f} s: {failure}" if failure else ""
            seen._count(body[:WORDS], failure=after, is_slow=is_slow)  # noqa: SLF001
            await asyncio.sleep(PAUSE)
