"""Hands events from the outbox to intelligence."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from services.kit.outbox import Event


class Receiver(Protocol):
    """The peer that is told."""

    async def post(self, path: str, *, json: Any, is_idempotent: bool) -> Any: ...


def delivery_to(receiver: Receiver) -> Callable[[list[Event]], Awaitable[None]]:
    """Return what a relay sends by; the receiver drops what it has seen before."""

    async def deliver(events: list[Event]) -> None:
        documents = [{**vars(event), "at": event.at.isoformat()} for event in events]
        delivery = {"source": "fusion", "events": documents}
        await receiver.post("/v1/incident-events", json=delivery, is_idempotent=True)

    return deliver
