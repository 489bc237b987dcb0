"""Who is let in at the door."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from services.kit.clock import now
from services.kit.testing import TestIssuer
from services.kit.tokens import Role


async def problem(response: aiohttp.ClientResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    return response.status, (await response.json(content_type=None))["code"]


async def test_without_a_token_only_public_paths_answer(world: Any) -> None:
    assert (await world.ask("GET", "/.well-known/jwks.json")).status == 200
    assert (await world.ask("POST", "/v1/tokens", json={})).status == 200

    response = await world.ask("GET", "/v1/nodes")

    assert await problem(response) == (401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert world.services.requests == []


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a.b.c", "Basic YTpi", "Bearer é"])
async def test_what_is_no_token_is_refused(world: Any, header: str) -> None:
    response = await world.ask("GET", "/v1/nodes", headers={"Authorization": header})

    assert await problem(response) == (401, "unauthenticated")


async def test_a_forged_token_is_refused(world: Any) -> None:
    forged = TestIssuer().headers(Role.ADMIN)
    response = await world.ask("GET", "/v1/nodes", headers=forged)

    assert await problem(response) == (401, "unauthenticated")
    assert world.services.requests == []


async def test_an_expired_token_is_called_so(world: Any) -> None:
    expired = world.services.issuer.token(Role.ADMIN, exp=now() - timedelta(seconds=60))
    response = await world.ask("GET", "/v1/nodes", headers={"Authorization": f"Bearer {expired}"})

    assert await problem(response) == (401, "token_expired")


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        (Role.VIEWER, "GET", "/v1/nodes", 200),
        (Role.ADMIN, "GET", "/v1/nodes", 200),
        (Role.SERVICE, "GET", "/v1/nodes", 200),
        (Role.NODE, "GET", "/v1/nodes", 403),
        (Role.VIEWER, "POST", "/v1/nodes", 403),
        (Role.OPERATOR, "POST", "/v1/nodes", 200),
        (Role.ADMIN, "POST", "/v1/nodes", 200),
        (Role.NODE, "POST", "/v1/nodes/17/heartbeat", 200),
        (Role.OPERATOR, "POST", "/v1/operators", 403),
        (Role.NODE, "POST", "/v1/observations", 200),
        (Role.VIEWER, "POST", "/v1/observations", 403),
        (Role.NODE, "GET", "/v1/events", 403),
    ],
)
async def test_a_role_opens_what_it_may(
    world: Any, role: Role, method: str, path: str, status: int
) -> None:
    response = await world.ask(method, path, headers=world.bearer(role))

    assert response.status == status


async def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(world: Any) -> None:
    response = await world.ask("DELETE", "/v1/nodes", headers=world.bearer(Role.ADMIN))

    assert await problem(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("path", ["/v1/incident-events", "/v1/risk-events", "/v2", "/", "/docs"])
async def test_what_is_not_public_does_not_exist(world: Any, path: str) -> None:
    response = await world.ask("POST", path, headers=world.bearer(Role.SERVICE))

    assert await problem(response) == (404, "not_found")
    assert world.services.requests == []


async def test_a_client_is_told_to_wait_when_it_asks_too_often(start: Any) -> None:
    world = await start(rate_limit="2/minute")
    eager, patient = world.bearer(subject="eager"), world.bearer(subject="patient")

    statuses = [(await world.ask("GET", "/v1/nodes", headers=eager)).status for _ in range(2)]
    response = await world.ask("GET", "/v1/nodes", headers=eager)

    assert statuses == [200, 200]
    assert await problem(response) == (429, "rate_limited")
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert response.headers["RateLimit-Policy"] == '"default";q=2;w=60'
    assert (await world.ask("GET", "/v1/nodes", headers=patient)).status == 200


async def test_secrets_cannot_be_guessed_fast(start: Any) -> None:
    world = await start(login_rate_limit="2/minute")

    statuses = [(await world.ask("POST", "/v1/tokens", json={})).status for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert (await world.ask("GET", "/v1/nodes", headers=world.bearer())).status == 200


async def test_forged_tokens_use_up_the_rate_of_their_address(start: Any) -> None:
    world = await start(rate_limit="2/minute")
    forged = TestIssuer().headers(Role.ADMIN)

    statuses = [(await world.ask("GET", "/v1/nodes", headers=forged)).status for _ in range(3)]

    assert statuses == [401, 401, 429]


async def test_without_keys_no_token_can_be_judged(start: Any, unused_tcp_port: int) -> None:
    world = await start(fabric_url=f"http://127.0.0.1:{unused_tcp_port}")
    response = await world.ask("GET", "/v1/incidents", headers=world.bearer())

    assert await problem(response) == (503, "unavailable")


async def test_requests_are_counted_by_the_prefix_of_their_path(world: Any) -> None:
    await world.ask("GET", "/v1/nodes/17", headers=world.bearer())
    await world.ask("GET", "/v1/nodes/18", headers=world.bearer())
    metrics = await (await world.ask("GET", "/metrics")).text()

    line = 'http_requests_total{method="GET",route="/v1/nodes",status="200"} 2.0'
    assert line in metrics.splitlines()
