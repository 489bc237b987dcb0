"""What the gateway is made of, opened and closed together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import limits

from services.api_gateway.circuit import open_circuit
from services.api_gateway.door import Door
from services.api_gateway.events import SOURCES, EventStreams
from services.api_gateway.feed import Feed, Read
from services.api_gateway.health import SystemHealth
from services.api_gateway.openapi import OpenApi
from services.api_gateway.proxy import Proxy
from services.api_gateway.rates import Rate, open_storage
from services.api_gateway.settings import Settings
from services.api_gateway.upstream import Upstream, open_session
from services.kit.peers import Peer, Peers
from services.kit.tokens import Verifier

PAGE = 1000


@dataclass(frozen=True)
class Parts:
    """Everything that answers requests."""

    door: Door
    proxy: Proxy
    events: EventStreams
    openapi: OpenApi
    health: SystemHealth


@asynccontextmanager
async def assemble(settings: Settings, *, stopping: asyncio.Event) -> AsyncIterator[Parts]:
    """Open connections and start to read the feeds; all ends with the context."""
    async with (
        Peers(settings) as peers,
        open_session() as session,
        open_storage(settings.redis_url) as storage,
        asyncio.TaskGroup() as background,
    ):
        usual = Rate("default", limits.parse(settings.rate_limit), storage)
        logins = Rate("login", limits.parse(settings.login_rate_limit), storage)
        upstreams = {
            name: Upstream(
                name,
                url,
                session=session,
                circuit=await open_circuit(
                    name,
                    failures=settings.circuit_failures,
                    seconds=settings.circuit_open_seconds,
                ),
            )
            for name, url in settings.upstreams.items()
        }
        feeds = _feeds(peers, settings)
        readers = [background.create_task(feed.run()) for feed in feeds.values()]
        yield Parts(
            door=Door(Verifier(peers.jwks), usual=usual, logins=logins),
            proxy=Proxy(upstreams, fair_seconds=settings.request_timeout_seconds / 2),
            events=EventStreams(
                feeds,
                most=settings.event_streams,
                patience=settings.event_patience_seconds,
                stopping=stopping,
            ),
            openapi=OpenApi(settings.upstreams, session=session),
            health=SystemHealth(settings.upstreams, session=session),
        )
        for reader in readers:
            reader.cancel()


def _feeds(peers: Peers, settings: Settings) -> dict[str, Feed]:
    # A long poll ends before the call that waits for it does.
    wait = settings.peer_timeout_seconds * 0.8
    return {
        source: Feed(source, _reader(getattr(peers, source), wait=wait), size=settings.events_kept)
        for source in SOURCES.values()
    }


def _reader(peer: Peer, *, wait: float) -> Read:
    async def read(after: str) -> Any:
        params: dict[str, str | float] = {"after": after, "limit": PAGE, "wait": wait}
        return await peer.get("/v1/events", params=params)

    return read
