"""What the gateway passes on, and what becomes of it when a service fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from services.kit.tokens import Role

Eventually = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]


async def problem(response: aiohttp.ClientResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    return response.status, (await response.json(content_type=None))["code"]


async def test_a_request_arrives_as_it_was_sent(world: Any) -> None:
    path = "/v1/nodes/a%2Fb%20c/heartbeat?x=1&x=%26"
    answer = await world.ask(
        "POST", path, data=b"{}", headers=world.bearer(Role.NODE) | {"Content-Type": "text/x"}
    )

    seen = await answer.json()

    assert (seen["method"], seen["body"]) == ("POST", "{}")
    assert (seen["path"], seen["query"]) == ("/v1/nodes/a%2Fb%20c/heartbeat", "x=1&x=%26")
    assert ["content-type", "text/x"] in seen["headers"]
    assert "authorization" in dict(seen["headers"])


async def test_what_a_client_says_of_itself_is_replaced_by_what_the_gateway_knows(
    world: Any,
) -> None:
    told = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "Host": "summit.example",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "TE": "trailers",
        "X-Request-ID": "story-7",
        "X-Request-Timeout-Ms": "5000",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    }
    answer = await world.ask("GET", "/v1/nodes", headers=world.bearer() | told)

    pairs = (await answer.json())["headers"]
    seen = dict(pairs)

    assert len(seen) == len(pairs)
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "summit.example"
    assert not {"forwarded", "x-real-ip", "x-hop", "te"} & set(seen)
    assert seen["x-request-id"] == answer.headers["X-Request-ID"] == "story-7"
    assert seen["traceparent"].startswith(f"00-{'a' * 32}-")
    assert 0 < int(seen["x-request-timeout-ms"]) <= 5000


async def test_an_answer_arrives_as_it_was_given_but_for_its_own_connection(world: Any) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        headers = {"connection": "close", "keep_alive": "timeout=1", "x_node": "tower-1"}
        await world.services.reply(
            send, {"a": 1}, 418, access_control_allow_origin="*", etag='"7"', **headers
        )

    world.services.answer = answer
    response = await world.ask("GET", "/v1/nodes", headers=world.bearer())

    assert response.status == 418
    assert await response.json() == {"a": 1}
    assert response.headers["ETag"] == '"7"'
    assert response.headers["X-Node"] == "tower-1"
    assert not {"Keep-Alive", "Access-Control-Allow-Origin"} & set(response.headers)
    assert len(response.headers.getall("X-Content-Type-Options")) == 1
    assert response.headers["RateLimit"].startswith('"default";r=')


async def test_a_head_request_gets_the_headers_and_no_body(world: Any) -> None:
    response = await world.ask("HEAD", "/v1/nodes", headers=world.bearer())

    assert response.status == 200
    assert int(response.headers["Content-Length"]) > 0


async def test_a_body_is_passed_on_before_it_has_ended(world: Any) -> None:
    arrived = asyncio.Event()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        first = await receive()
        assert first["more_body"]
        arrived.set()
        rest = await world.services.read_body(receive)
        await world.services.reply(send, {"size": len(first["body"] + rest)})

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a" * 1000
        await arrived.wait()
        yield b"b" * 1000

    world.services.answer = answer
    async with asyncio.timeout(10):
        response = await world.ask(
            "POST", "/v1/observations", data=pieces(), headers=world.bearer(Role.NODE)
        )

    assert await response.json() == {"size": 2000}


async def test_an_answer_is_passed_on_before_it_has_ended(world: Any) -> None:
    arrived = asyncio.Event()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await arrived.wait()
        await send({"type": "http.response.body", "body": b"second"})

    world.services.answer = answer
    async with asyncio.timeout(10):
        response = await world.http.get("/v1/nodes", headers=world.bearer())
        assert await response.content.readany() == b"first"
        arrived.set()
        assert await response.content.read() == b"second"


async def test_a_body_that_is_too_large_is_refused_whatever_it_says_of_its_length(
    start: Any,
) -> None:
    world = await start(max_body_bytes=1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"a" * 100

    for body in (b"a" * 1001, pieces()):
        response = await world.ask(
            "POST", "/v1/observations", data=body, headers=world.bearer(Role.NODE)
        )
        assert await problem(response) == (413, "payload_too_large")


@pytest.mark.parametrize(("method", "attempts"), [("GET", 3), ("POST", 1)])
async def test_only_what_may_be_done_twice_is_tried_again(
    start: Any, method: str, attempts: int
) -> None:
    world = await start(circuit_failures=100)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await world.services.reply(send, {"code": "unavailable"}, 503, retry_after="7")

    world.services.answer = answer
    response = await world.ask(method, "/v1/nodes", headers=world.bearer(Role.OPERATOR))

    assert response.status == 503
    assert response.headers["Retry-After"] == "7"
    assert len(world.services.requests) == attempts


async def test_a_service_that_recovers_at_once_is_not_noticed(world: Any) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        world.services.answer = world.services.echo
        await world.services.reply(send, {}, 502)

    world.services.answer = answer
    response = await world.ask("GET", "/v1/nodes", headers=world.bearer())

    assert response.status == 200
    assert len(world.services.requests) == 2


async def test_a_service_that_is_not_there_is_unavailable(start: Any, unused_tcp_port: int) -> None:
    world = await start(tasking_url=f"http://127.0.0.1:{unused_tcp_port}")

    for method in ("GET", "POST"):
        response = await world.ask(method, "/v1/missions", headers=world.bearer(Role.OPERATOR))
        assert await problem(response) == (503, "unavailable")
        assert response.headers["Retry-After"] == "1"


async def test_a_service_that_hangs_up_instead_of_answering_has_failed(
    start: Any, tcp_service: Any
) -> None:
    world = await start(tasking_url=await tcp_service(b""))

    response = await world.ask("POST", "/v1/missions", headers=world.bearer(Role.OPERATOR))

    assert await problem(response) == (502, "upstream_failed")


async def test_a_service_that_does_not_speak_http_has_failed(start: Any, tcp_service: Any) -> None:
    world = await start(tasking_url=await tcp_service(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))

    response = await world.ask("POST", "/v1/missions", headers=world.bearer(Role.OPERATOR))

    assert await problem(response) == (502, "upstream_failed")


async def test_a_short_answer_that_breaks_off_has_failed(start: Any, tcp_service: Any) -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"
    world = await start(tasking_url=await tcp_service(half))

    response = await world.ask("GET", "/v1/missions", headers=world.bearer())

    assert await problem(response) == (502, "upstream_failed")


async def test_a_long_answer_that_breaks_off_is_not_taken_for_a_whole_one(
    start: Any, tcp_service: Any
) -> None:
    half = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    world = await start(tasking_url=await tcp_service(half))

    response = await world.http.get("/v1/missions", headers=world.bearer())

    assert response.status == 200
    with pytest.raises(aiohttp.ClientPayloadError):
        await response.read()


async def test_a_service_that_takes_too_long_is_given_up(world: Any) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    world.services.answer = answer
    hurry = world.bearer() | {"X-Request-Timeout-Ms": "50"}
    response = await world.ask("GET", "/v1/nodes", headers=hurry)

    assert await problem(response) == (504, "deadline_exceeded")


async def test_a_client_that_leaves_takes_its_request_with_it(
    world: Any, eventually: Eventually
) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        arrived.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    world.services.answer = answer
    request = asyncio.create_task(world.ask("GET", "/v1/nodes", headers=world.bearer()))
    await arrived.wait()
    request.cancel()

    async with asyncio.timeout(10):
        await left.wait()
    await eventually(lambda: world.counted("GET", "/v1/nodes", 499))


async def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(
    world: Any, eventually: Eventually
) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        arrived.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    world.services.answer = answer
    request = asyncio.create_task(
        world.ask("POST", "/v1/observations", data=pieces(), headers=world.bearer(Role.NODE))
    )
    await arrived.wait()
    request.cancel()

    async with asyncio.timeout(10):
        await left.wait()
    await eventually(lambda: world.counted("POST", "/v1/observations", 499))


async def test_a_service_that_keeps_failing_is_left_alone_and_then_tried_again(
    start: Any, eventually: Eventually
) -> None:
    world = await start(circuit_failures=3, circuit_open_seconds=0.3)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await world.services.reply(send, {}, 503)

    async def post() -> aiohttp.ClientResponse:
        return await world.ask("POST", "/v1/nodes", headers=world.bearer(Role.OPERATOR))

    world.services.answer = answer
    statuses = [(await post()).status for _ in range(3)]
    refused = await post()

    assert statuses == [503] * 3
    assert await problem(refused) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert len(world.services.requests) == 3
    other = await world.ask("POST", "/v1/observations", headers=world.bearer(Role.NODE))
    assert other.status == 503
    assert len(world.services.requests) == 4  # another service's circuit is its own

    world.services.answer = world.services.echo
    async with asyncio.timeout(10):
        while (await post()).status != 200:
            pass


async def test_clients_in_a_hurry_do_not_open_a_circuit(start: Any) -> None:
    world = await start(circuit_failures=2)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    world.services.answer = answer
    hurry = world.bearer() | {"X-Request-Timeout-Ms": "20"}
    for _ in range(4):
        assert (await world.ask("GET", "/v1/nodes", headers=hurry)).status == 504
    world.services.answer = world.services.echo

    assert (await world.ask("GET", "/v1/nodes", headers=world.bearer())).status == 200


async def test_a_service_that_stays_silent_opens_its_circuit(start: Any) -> None:
    world = await start(circuit_failures=2, request_timeout_seconds=0.1)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    world.services.answer = answer
    statuses = [
        (await world.ask("GET", "/v1/nodes", headers=world.bearer())).status for _ in range(3)
    ]

    assert statuses == [504, 504, 503]


async def test_a_path_that_is_not_ascii_does_not_exist(world: Any) -> None:
    reader, writer = await asyncio.open_connection(*world.url.removeprefix("http://").split(":"))
    token = world.bearer()["Authorization"]
    request = f"GET /v1/nodes/\xe9 HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n\r\n"
    writer.write(request.encode("latin-1"))

    status_line = await reader.readline()

    assert status_line.split()[1] in (b"400", b"404")
    writer.close()
    await writer.wait_closed()
