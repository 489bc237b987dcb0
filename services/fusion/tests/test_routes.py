"""What every route refuses: a route that is not in the table fails the first test."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from services.kit.testing import TestIssuer
from services.kit.tokens import Role

READERS = {"viewer", "operator", "admin", "service"}
OBSERVERS = {"node", "operator", "admin", "service"}
ROLES = READERS | OBSERVERS
INCIDENT = UUID(int=1)


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    roles: set[str]
    takes_body: bool = False

    @property
    def url(self) -> str:
        return self.path.format(key="one", incident_id=INCIDENT)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = [
    Route("POST", "/v1/observations", OBSERVERS, takes_body=True),
    Route("POST", "/v1/observations/batch", OBSERVERS, takes_body=True),
    Route("GET", "/v1/observations/{key}", READERS | {"node"}),
    Route("GET", "/v1/incidents", READERS),
    Route("GET", "/v1/incidents/{incident_id}", READERS),
    Route("POST", "/v1/incidents/{incident_id}/close", {"operator", "admin"}),
    Route("GET", "/v1/events", {"service"}),
]
WITH_BODY = [route for route in ROUTES if route.takes_body]


def refused(answer, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_every_route_is_in_the_table(api):
    ours = "/health", "/livez", "/readyz", "/metrics"
    document = (await api(None).get("/openapi.json")).json()
    routes = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if path not in ours
    }

    assert routes == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_without_a_token_nothing_is_done(api, route):
    refused(await api(None).request(route.method, route.url), 401, "unauthenticated")


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_a_forged_token_is_refused(api, clock, route):
    forged = TestIssuer(clock).headers(*Role)
    answer = await api(None).request(route.method, route.url, headers=forged)

    refused(answer, 401, "unauthenticated")


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_an_expired_token_is_refused(api, clock, route):
    client = api("service")
    clock.advance(minutes=10)

    refused(await client.request(route.method, route.url), 401, "token_expired")


@pytest.mark.parametrize(
    ("route", "role"),
    [
        pytest.param(route, role, id=f"{route} as {role}")
        for route in ROUTES
        for role in sorted(ROLES - route.roles)
    ],
)
async def test_a_role_does_only_what_it_may(api, route, role):
    refused(await api(role).request(route.method, route.url), 403, "forbidden")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"{'key': 1}"], ids=repr)
async def test_a_body_that_is_no_json_is_malformed(api, route, body):
    answer = await api("service").post(
        route.url, content=body, headers={"content-type": "application/json"}
    )

    refused(answer, 400, "malformed_body")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"observations": 7}], ids=repr)
async def test_a_body_of_the_wrong_type_is_not_valid(api, route, body):
    refused(await api("service").post(route.url, json=body), 422, "validation_failed")


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_a_huge_body_is_refused(api, route):
    body = b'{"key": "' + b"k" * 2_000_000 + b'"}'
    answer = await api("service").post(
        route.url, content=body, headers={"content-type": "application/json"}
    )

    refused(answer, 413, "payload_too_large")


@pytest.mark.parametrize(
    "path",
    ["/v1/incidents/17", "/v1/incidents/%00", "/v1/observations/%00", "/v1/observations/-a"],
)
async def test_an_id_that_cannot_be_is_not_valid(api, path):
    refused(await api("operator").get(path), 422, "validation_failed")
