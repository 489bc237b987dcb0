"""What every route refuses: a route that is not in the table fails the first test."""

import pytest

from services.kit.testing.routes import OPERATORS, READERS, Route, every_route, refusals

ROUTES = [
    Route("POST", "/v1/operators", {"admin"}, takes_body=True),
    Route("POST", "/v1/nodes", OPERATORS, takes_body=True),
    Route("GET", "/v1/nodes", READERS),
    Route("GET", "/v1/nodes/{node_id}", READERS),
    Route("POST", "/v1/nodes/{node_id}/heartbeat", OPERATORS | {"node"}, takes_body=True),
    Route("GET", "/v1/coverage", READERS),
    Route("POST", "/v1/tokens", takes_body=True),
    Route("GET", "/.well-known/jwks.json"),
]
REFUSALS = refusals(
    ROUTES,
    bodies=[{"name": 7}, {"sent_at": []}, {"grant_type": "password"}],
    questions=[
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


async def test_every_route_is_in_the_table(api):
    assert await every_route(api()) == {str(route) for route in ROUTES}


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_a_route_refuses(api, clock, refusal):
    await refusal.check(api, clock)
