"""The table of routes."""

import pytest

from services.api_gateway.routes import find


@pytest.mark.parametrize(
    ("path", "upstream"),
    [
        ("/v1/nodes", "fabric"),
        ("/v1/nodes/17/heartbeat", "fabric"),
        ("/.well-known/jwks.json", "fabric"),
        ("/v1/observations/batch", "fusion"),
        ("/v1/observations/a.b..c", "fusion"),
        ("/v1/risks/17", "intelligence"),
        ("/v1/missions/17/transitions", "tasking"),
        ("/v1/events", "api-gateway"),
    ],
)
def test_a_path_goes_to_the_service_that_owns_it(path: str, upstream: str) -> None:
    route = find(path)

    assert route is not None
    assert route.upstream == upstream


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "*",
        "/v1",
        "/v1/",
        "/v1/incident-events",
        "/v1/risk-events",
        "/v1/nodesandmore",
        "/v1/events/17",
        "/v2/nodes",
        "/metrics",
        "//v1/nodes",
        "/v1/nodes/../risk-events",
        "/v1/nodes/./17",
        "/v1/nodes/..",
        "/readyz/v1/nodes",
    ],
)
def test_any_other_path_does_not_exist(path: str) -> None:
    assert find(path) is None
