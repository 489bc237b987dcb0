"""What every route refuses: a route that is not in the table fails the first test."""

import pytest

from services.kit.testing.routes import ANYONE, OPERATORS, READERS, Route, every_route, refusals

OBSERVERS = {"node", "operator", "admin", "service"}
ROUTES = [
    Route("POST", "/v1/observations", OBSERVERS, takes_body=True),
    Route("POST", "/v1/observations/batch", OBSERVERS, takes_body=True),
    Route("GET", "/v1/observations/{key}", ANYONE),
    Route("GET", "/v1/incidents", READERS),
    Route("GET", "/v1/incidents/{incident_id}", READERS),
    Route("POST", "/v1/incidents/{incident_id}/close", OPERATORS),
    Route("GET", "/v1/events", {"service"}),
]
REFUSALS = refusals(
    ROUTES,
    bodies=[{"observations": 7}],
    questions=[
        "/v1/incidents/17",
        "/v1/incidents/%00",
        "/v1/observations/%00",
        "/v1/observations/-a",
    ],
)


async def test_every_route_is_in_the_table(api):
    assert await every_route(api()) == {str(route) for route in ROUTES}


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_a_route_refuses(api, clock, refusal):
    await refusal.check(api, clock)
