"""What every route refuses: a route that is not in the table fails the first test."""

import pytest

from services.kit.testing.routes import ANYONE, OPERATORS, Route, every_route, refusals

ROUTES = [
    Route("POST", "/v1/missions", OPERATORS, takes_body=True),
    Route("GET", "/v1/missions", ANYONE),
    Route("GET", "/v1/missions/{mission_id}", ANYONE),
    Route("POST", "/v1/missions/{mission_id}/transitions", OPERATORS | {"node"}, takes_body=True),
    Route("POST", "/v1/risk-events", {"service"}, takes_body=True),
    Route("GET", "/v1/events", {"service"}),
]
REFUSALS = refusals(
    ROUTES,
    bodies=[{"to": 7}, {"to": "EXPIRED"}, {"source": "x", "events": [7]}],
    questions=[
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


async def test_every_route_is_in_the_table(api):
    assert await every_route(api()) == {str(route) for route in ROUTES}


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_a_route_refuses(api, clock, refusal):
    await refusal.check(api, clock)
