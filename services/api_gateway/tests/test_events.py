"""The stream of events, for subscribers that come, go and come back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from services.kit.clock import now
from services.kit.tokens import Role

INCIDENTS = "/v1/events?topics=incident"


@dataclass(frozen=True)
class Shown:
    """An event as a browser would hand it over."""

    id: str
    topic: str
    data: dict[str, Any]


class Stream:
    """Reads server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id = ""

    async def next(self) -> Shown | None:
        """Return the next event; `None` at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            async for line in self.response.content:
                name, _, value = line.decode().strip().partition(": ")
                if name == "id":
                    self.last_id = value
                elif name:
                    fields[name] = value
                elif "data" in fields:
                    return Shown(self.last_id, fields["event"], json.loads(fields["data"]))
        return None

    async def numbers(self, count: int) -> list[int]:
        """Return the numbers of the next events."""
        shown = [await self.next() for _ in range(count)]
        return [event.data["data"]["number"] for event in shown if event]


@asynccontextmanager
async def subscribed(
    world: Any, path: str = INCIDENTS, last_id: str = "", token: str = ""
) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"} if token else world.bearer()
    if last_id:
        headers |= {"Last-Event-ID": last_id}
    async with world.http.get(path, headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Stream(response)


async def read(services: Any, replicas: int = 1) -> None:
    """Wait until every gateway has read its three feeds to the end."""
    async with asyncio.timeout(10):
        while services.feed_readers < 3 * replicas:  # noqa: ASYNC110 - nobody would set an event
            await asyncio.sleep(0.005)


@pytest.fixture
async def live(world: Any) -> Any:
    """Return a gateway that has reached its feeds."""
    await read(world.services)
    return world


async def test_an_event_is_shown_to_everybody_and_read_once(live: Any) -> None:
    async with subscribed(live) as first, subscribed(live) as second:
        live.services.emit("incident.confirmed", number=1)
        shown = [await first.next(), await second.next()]

    assert shown[0] == shown[1]
    assert shown[0] is not None
    assert shown[0].topic == "incident.confirmed"
    assert shown[0].data == {
        "source": "fusion",
        "id": "0-1",
        "topic": "incident.confirmed",
        "at": "2026-07-01T12:00:00Z",
        "data": {"number": 1},
    }
    assert live.services.feed_asked.count("0-0") == 3  # one reader for each of three feeds


async def test_who_comes_back_gets_what_was_missed(live: Any) -> None:
    async with subscribed(live) as stream:
        live.services.emit("incident.confirmed", number=1)
        assert await stream.numbers(1) == [1]
    live.services.emit("incident.updated", number=2)
    live.services.emit("incident.updated", number=3)

    async with subscribed(live, last_id=stream.last_id) as stream:
        assert await stream.numbers(2) == [2, 3]
        live.services.emit("incident.closed", number=4)
        assert await stream.numbers(1) == [4]


async def test_what_is_no_longer_kept_is_read_from_the_service(start: Any) -> None:
    world = await start(events_kept=2)
    await read(world.services)
    for number in range(1, 8):
        world.services.emit("incident.updated", number=number)
    await read(world.services)

    async with subscribed(world, last_id="fusion=0-2") as stream:
        assert await stream.numbers(5) == [3, 4, 5, 6, 7]
        world.services.emit("incident.updated", number=8)
        assert await stream.numbers(1) == [8]


async def test_a_cursor_holds_at_another_replica_and_after_a_restart(start: Any) -> None:
    first = await start()
    await read(first.services)
    async with subscribed(first) as stream:
        for number in range(1, 4):
            first.services.emit("incident.updated", number=number)
        assert await stream.numbers(2) == [1, 2]
    second = await start()  # begins to read after the third
    await read(second.services, replicas=2)

    async with subscribed(second, last_id=stream.last_id) as stream:
        assert await stream.numbers(1) == [3]
        second.services.emit("incident.updated", number=4)
        assert await stream.numbers(1) == [4]


async def test_only_the_topics_asked_for_are_shown(live: Any) -> None:
    async with subscribed(live, "/v1/events?topics=risk,mission") as stream:
        live.services.emit("mission.created", number=1)
        shown = [await stream.next(), await stream.next()]

    assert {event.data["source"] for event in shown if event} == {"intelligence", "tasking"}
    assert set(stream.last_id.split("&")) == {"intelligence=0-1", "tasking=0-1"}


async def test_the_id_says_where_every_feed_stands_from_the_beginning(live: Any) -> None:
    async with subscribed(live, "/v1/events") as stream:
        opening = await stream.response.content.readuntil(b"\n\n")

    assert opening == b"retry: 1000\nid: fusion=0-0&intelligence=0-0&tasking=0-0\n\n"


@pytest.mark.parametrize(
    ("path", "last_id"),
    [
        ("/v1/events?topics=weather", ""),
        ("/v1/events?topics=", ""),
        ("/v1/events?" + "a&" * 20, ""),
        ("/v1/events", "rubbish"),
    ],
)
async def test_topics_and_ids_that_do_not_exist_are_refused(
    live: Any, path: str, last_id: str
) -> None:
    response = await live.ask("GET", path, headers=live.bearer() | {"Last-Event-ID": last_id})

    assert response.status == 422
    assert response.content_type == "application/problem+json"


async def test_a_stream_ends_with_its_token(live: Any) -> None:
    token = live.services.issuer.token(Role.VIEWER, exp=now() + timedelta(seconds=2))

    async with subscribed(live, token=token) as stream:
        assert await stream.next() is None
    assert await live.counted("GET", "/v1/events", 200)


async def test_a_stream_ends_when_the_gateway_stops(live: Any) -> None:
    async with subscribed(live) as stream:
        live.kit.stop()
        assert await stream.next() is None


async def test_a_stream_outlives_the_time_a_request_may_take(start: Any) -> None:
    world = await start(request_timeout_seconds=0.2)
    await read(world.services)
    async with subscribed(world, last_id="fusion=0-99") as ahead, subscribed(world) as stream:
        await asyncio.sleep(0.5)  # there is nothing to wait for but time
        world.services.emit("incident.updated", number=1)
        assert await stream.numbers(1) == [1]
        assert ahead.response.status == 200


async def test_there_is_a_most_of_streams(start: Any) -> None:
    world = await start(event_streams=1)

    async with subscribed(world):
        response = await world.ask("GET", "/v1/events", headers=world.bearer())

    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0


async def test_a_stream_survives_that_a_service_goes_and_comes_back(
    start: Any, services: Any, unused_tcp_port: int, serve: Any
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    world = await start(fusion_url=url)
    async with subscribed(world) as stream:
        for number in (1, 2):
            async with serve(services, unused_tcp_port):
                await read(services)
                services.emit("incident.updated", number=number)
                assert await stream.numbers(1) == [number]


async def test_who_does_not_read_is_let_go(start: Any) -> None:
    world = await start(event_patience_seconds=0.2)
    await read(world.services)
    reader, writer = await asyncio.open_connection(
        *world.url.removeprefix("http://").split(":"), limit=1024
    )
    token = world.bearer()["Authorization"]
    writer.write(f"GET {INCIDENTS} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n\r\n".encode())
    await reader.readexactly(12)
    async with asyncio.timeout(20):
        while not await world.counted("GET", "/v1/events", 200):
            world.services.emit("incident.updated", number=0, text="x" * 1_000_000)
            await read(world.services)
    writer.close()
