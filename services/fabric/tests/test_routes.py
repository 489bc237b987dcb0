"""What every route refuses: a route that is not in the table fails the first test."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts

from services.kit.testing import TestIssuer
from services.kit.tokens import Role

READERS = {"viewer", "operator", "admin", "service"}
OPERATORS = {"operator", "admin"}
NODE = UUID(int=1)


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    roles: set[str]
    takes_body: bool = False

    @property
    def url(self) -> str:
        return self.path.format(node_id=NODE)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


GUARDED = [
    Route("POST", "/v1/operators", {"admin"}, takes_body=True),
    Route("POST", "/v1/nodes", OPERATORS, takes_body=True),
    Route("GET", "/v1/nodes", READERS),
    Route("GET", "/v1/nodes/{node_id}", READERS),
    Route("POST", "/v1/nodes/{node_id}/heartbeat", OPERATORS | {"node"}, takes_body=True),
    Route("GET", "/v1/coverage", READERS),
]
PUBLIC = [
    Route("POST", "/v1/tokens", set(), takes_body=True),
    Route("GET", "/.well-known/jwks.json", set()),
]
WITH_BODY = [route for route in GUARDED + PUBLIC if route.takes_body]
JSON = {"content-type": "application/json"}


def refused(answer, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_route_is_in_the_table(kit):
    routes = {
        (method, route.path_format)
        for route in iter_route_contexts(kit.app.routes)
        for method in route.methods - {"HEAD"}
        if getattr(route, "include_in_schema", False)
    }

    assert routes == {(route.method, route.path) for route in GUARDED + PUBLIC}


@pytest.mark.parametrize("route", GUARDED, ids=str)
async def test_without_a_token_nothing_is_done(api, route):
    refused(await api().request(route.method, route.url), 401, "unauthenticated")


@pytest.mark.parametrize("route", GUARDED, ids=str)
async def test_a_forged_token_is_refused(api, clock, route):
    forged = TestIssuer(clock).headers(*Role)

    answer = await api().request(route.method, route.url, headers=forged)

    refused(answer, 401, "unauthenticated")


@pytest.mark.parametrize("route", GUARDED, ids=str)
async def test_an_expired_token_is_refused(api, clock, route):
    client = api("admin")
    clock.advance(minutes=10)

    refused(await client.request(route.method, route.url), 401, "token_expired")


@pytest.mark.parametrize(
    ("route", "role"),
    [
        pytest.param(route, role, id=f"{route} as {role}")
        for route in GUARDED
        for role in sorted(set(Role) - route.roles)
    ],
)
async def test_a_role_does_only_what_it_may(api, route, role):
    refused(await api(role).request(route.method, route.url), 403, "forbidden")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"{'key': 1}"], ids=repr)
async def test_a_body_that_is_no_json_is_malformed(api, route, body):
    answer = await api("admin").post(route.url, content=body, headers=JSON)

    refused(answer, 400, "malformed_body")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
@pytest.mark.parametrize(
    "body",
    [None, [], "text", 7, {}, {"name": 7}, {"sent_at": []}, {"grant_type": "password"}],
    ids=repr,
)
async def test_a_body_of_the_wrong_type_is_not_valid(api, route, body):
    refused(await api("admin").post(route.url, json=body), 422, "validation_failed")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_a_huge_body_is_refused(api, route):
    body = b'{"name": "' + b"n" * 2_000_000 + b'"}'

    answer = await api("admin").post(route.url, content=body, headers=JSON)

    refused(answer, 413, "payload_too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nodes/17",
        "/v1/nodes/%00",
        "/v1/nodes?status=GONE",
        "/v1/nodes?capability=%00",
        "/v1/nodes?limit=0",
        "/v1/nodes?limit=1001",
        "/v1/nodes?after=17",
        "/v1/nodes?colour=red",
    ],
)
async def test_a_question_that_cannot_be_is_not_valid(api, path):
    refused(await api("viewer").get(path), 422, "validation_failed")
