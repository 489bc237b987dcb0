"""What every route refuses: a route that is not in the table fails the first test."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts

from services.kit.testing import TestIssuer
from services.kit.tokens import Role

READERS = {"viewer", "operator", "admin", "service", "node"}
OPERATORS = {"operator", "admin"}
MISSION = UUID(int=1)


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    roles: set[str]
    takes_body: bool = False

    @property
    def url(self) -> str:
        return self.path.format(mission_id=MISSION)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = [
    Route("POST", "/v1/missions", OPERATORS, takes_body=True),
    Route("GET", "/v1/missions", READERS),
    Route("GET", "/v1/missions/{mission_id}", READERS),
    Route("POST", "/v1/missions/{mission_id}/transitions", OPERATORS | {"node"}, takes_body=True),
    Route("POST", "/v1/risk-events", {"service"}, takes_body=True),
    Route("GET", "/v1/events", {"service"}),
]
WITH_BODY = [route for route in ROUTES if route.takes_body]
JSON = {"content-type": "application/json"}


def refused(answer, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def as_able(api, route):
    return api(min(route.roles))


def test_every_route_is_in_the_table(kit):
    routes = {
        (method, route.path_format)
        for route in iter_route_contexts(kit.app.routes)
        for method in route.methods - {"HEAD"}
        if getattr(route, "include_in_schema", False)
    }

    assert routes == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_without_a_token_nothing_is_done(api, route):
    refused(await api().request(route.method, route.url), 401, "unauthenticated")


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_a_forged_token_is_refused(api, clock, route):
    forged = TestIssuer(clock).headers(*Role)

    answer = await api().request(route.method, route.url, headers=forged)

    refused(answer, 401, "unauthenticated")


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_an_expired_token_is_refused(api, clock, route):
    client = as_able(api, route)
    clock.advance(minutes=10)

    refused(await client.request(route.method, route.url), 401, "token_expired")


@pytest.mark.parametrize(
    ("route", "role"),
    [
        pytest.param(route, role, id=f"{route} as {role}")
        for route in ROUTES
        for role in sorted(set(Role) - route.roles)
    ],
)
async def test_a_role_does_only_what_it_may(api, route, role):
    refused(await api(role).request(route.method, route.url), 403, "forbidden")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"{'key': 1}"], ids=repr)
async def test_a_body_that_is_no_json_is_malformed(api, route, body):
    answer = await as_able(api, route).post(route.url, content=body, headers=JSON)

    refused(answer, 400, "malformed_body")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
@pytest.mark.parametrize(
    "body",
    [None, [], "text", 7, {}, {"to": 7}, {"to": "EXPIRED"}, {"source": "x", "events": [7]}],
    ids=repr,
)
async def test_a_body_of_the_wrong_type_is_not_valid(api, route, body):
    refused(await as_able(api, route).post(route.url, json=body), 422, "validation_failed")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_a_huge_body_is_refused(api, route):
    body = b'{"name": "' + b"n" * 2_000_000 + b'"}'

    answer = await as_able(api, route).post(route.url, content=body, headers=JSON)

    refused(answer, 413, "payload_too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/missions/17",
        "/v1/missions/%00",
        "/v1/missions?status=GONE",
        "/v1/missions?incident_id=17",
        "/v1/missions?limit=0",
        "/v1/missions?limit=1001",
        "/v1/missions?after=17",
        "/v1/missions?colour=red",
    ],
)
async def test_a_question_that_cannot_be_is_not_valid(api, path):
    refused(await api("viewer").get(path), 422, "validation_failed")
