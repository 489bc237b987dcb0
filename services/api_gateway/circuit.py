"""A circuit breaker told only of what says something about the upstream."""

import contextlib
import logging
import math
import time

from purgatory import AsyncCircuitBreakerFactory, ContextChanged, Event
from purgatory.domain.model import OpenedState
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker

from services.kit.problems import Code, Problem

log = logging.getLogger(__name__)


class Circuit:
    """Opens after failures in a row, refuses for a while, then lets requests through to see.

    The breaker is not held around a request: one that a client abandons would pass for a success
    and wipe out the failures counted so far.
    """

    def __init__(self, name: str, breaker: AsyncCircuitBreaker) -> None:
        self._name = name
        self._breaker = breaker

    def check(self) -> None:
        """Let a request pass.

        Raises:
            Problem: `unavailable` while the circuit is open.
        """
        try:
            self._breaker.context.handle_new_request()
        except OpenedState as opened:
            # The library raises one object every time; its traceback would grow without end.
            opened.__traceback__ = None
            closes_in = opened.opened_at + self._breaker.context.ttl - time.time()
            raise Problem(
                Code.UNAVAILABLE,
                f"{self._name} failed too often and is given a rest",
                retry_after=max(1, math.ceil(closes_in)),
            ) from None

    async def record(self, failure: Exception | None) -> None:
        """Note how a request ended; `None` is well."""
        with contextlib.suppress(OpenedState, _ToldError):
            async with self._breaker:
                if failure is not None:
                    raise _ToldError from failure


class _ToldError(Exception):
    """How a failure is put before the breaker."""


async def open_circuit(name: str, *, failures: int, seconds: float) -> Circuit:
    """Return a circuit that opens for `seconds` after so many failures in a row."""
    breakers = AsyncCircuitBreakerFactory(default_threshold=failures, default_ttl=seconds)
    breakers.add_listener(_log_change)
    return Circuit(name, await breakers.get_breaker(name))


def _log_change(name: str, _: str, event: Event) -> None:
    if isinstance(event, ContextChanged):
        log.warning("the circuit to %s is %s", name, event.state)
