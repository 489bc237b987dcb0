"""The bake: a release that has the traffic is watched, beside what the one before did with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.deploy.engine import Engine, Traffic
from pipelines.environments import Bake
from pipelines.errors import CannotTell, SummitError
from pipelines.release import Release

_LOOK = 0.2  # seconds between two looks
_PAUSE = 0.02  # seconds between two requests of a caller
_PATIENCE = 5.0  # seconds for an answer
_SLOWEST = 0.05  # seconds: what is faster is fast enough, however many times as slow as before
_CALLERS = 2  # for each path


class Harmful(SummitError):
    """The release does worse than it may."""

    def __init__(self, release: Release, why: str) -> None:
        super().__init__(f"release {release.short} does harm: {why}")


class Inconclusive(CannotTell):
    """There was too little traffic to tell: nothing is wrong, and nothing is proven."""

    def __init__(self, environment: str, seen: int, wanted: int) -> None:
        super().__init__(
            f"the bake cannot tell: {seen} requests of the {wanted} it takes",
            hint=f"once there was traffic, `inv deploy {environment} --resume` looks again",
        )


def watch(engine: Engine, release: Release, before: str, bake: Bake, environment: str) -> Traffic:
    """Watch the release for as long as the bake lasts; returns what it has seen.

    `before` is the id of the release that served until now, empty for none. Raises `Harmful` as
    soon as it is clear, `Inconclusive` at the end.
    """
    old = engine.traffic(before) if before else Traffic()
    first = engine.traffic(release.id)
    began = time.monotonic()

    def seen() -> Traffic:
        return engine.traffic(release.id) - first

    def is_over() -> bool:
        _require_well(engine, release, seen(), old, bake)
        return time.monotonic() - began >= bake.seconds

    with _asking(engine, bake.paths):
        Retrying(retry=retry_if_result(lambda over: not over), wait=wait_fixed(_LOOK))(is_over)
        is_enough = Retrying(
            retry=retry_if_result(lambda enough: not enough),
            wait=wait_fixed(_LOOK),
            stop=stop_after_delay(bake.seconds if bake.paths else 0),
            retry_error_callback=lambda _: False,
        )(lambda: seen().requests >= bake.requests)
    last = seen()
    _require_well(engine, release, last, old, bake)
    if not is_enough:
        raise Inconclusive(environment, last.requests, bake.requests)
    return last


def _require_well(engine: Engine, release: Release, new: Traffic, old: Traffic, bake: Bake) -> None:
    if lost := engine.ailing(release.id):
        raise Harmful(release, lost)
    if new.requests < max(bake.requests, 1):
        return
    if new.failed > max(bake.errors, _share(old)) * new.requests:
        before = f", {_share(old):.1%} before" if old.requests else ""
        raise Harmful(release, f"{new.failed} of {new.requests} requests failed{before}")
    mean, usual = new.seconds / new.requests, old.seconds / max(old.requests, 1)
    if old.requests >= bake.requests and mean > max(bake.slower * usual, _SLOWEST):
        raise Harmful(
            release, f"a request takes {mean * 1000:.0f} ms, {usual * 1000:.0f} ms before"
        )


def _share(traffic: Traffic) -> float:
    return traffic.failed / traffic.requests if traffic.requests else 0.0


@contextmanager
def _asking(engine: Engine, paths: tuple[str, ...]) -> Iterator[None]:
    """Ask the public doors for these paths, `SERVICE/PATH`, for as long as the context lasts."""
    import requests  # here: every command would wait for it

    doors, over = engine.doors(), Event()

    def ask(service: str, path: str) -> None:
        with requests.Session() as session:
            while not over.wait(_PAUSE):
                try:
                    session.get(f"{doors[service]}/{path}", timeout=_PATIENCE)
                except requests.RequestException:
                    continue  # the edge has counted it

    asked = [path.partition("/") for path in paths]
    with ThreadPoolExecutor(max(1, _CALLERS * len(asked))) as callers:
        for service, _, path in asked:
            for _caller in range(_CALLERS):
                callers.submit(ask, service, path)
        try:
            yield
        finally:
            over.set()
