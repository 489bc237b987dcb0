"""What every route refuses: a route that is not in the table fails the first test."""

import pytest

from services.kit.testing.routes import READERS, Route, every_route, refusals

REPORTERS = {"node", "operator", "admin", "service"}
ROUTES = [
    Route("POST", "/v1/weather", REPORTERS, takes_body=True),
    Route("GET", "/v1/weather", READERS),
    Route("POST", "/v1/incident-events", {"service"}, takes_body=True),
    Route("GET", "/v1/risks", READERS),
    Route("GET", "/v1/risks/{incident_id}", READERS),
    Route("GET", "/v1/events", {"service"}),
]
REFUSALS = refusals(
    ROUTES,
    bodies=[{"events": 7}],
    questions=[
        "/v1/risks/17",
        "/v1/risks/%00",
        "/v1/risks?incident_id=17",
        "/v1/risks?limit=0",
        "/v1/weather?station=%00",
        "/v1/weather?after=-1",
        "/v1/weather?colour=red",
    ],
)


async def test_every_route_is_in_the_table(api):
    assert await every_route(api()) == {str(route) for route in ROUTES}


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_a_route_refuses(api, clock, refusal):
    await refusal.check(api, clock)
