"""What the gateway says of the system as a whole: its health and its documentation."""

from typing import Any

import pytest

from services.api_gateway.openapi import merge


def document(*paths: str, **schemas: Any) -> dict[str, Any]:
    operation = {
        "operationId": "read",
        "security": [{"HTTPBearer": []}],
        "responses": {"200": {"schema": {"$ref": "#/components/schemas/Item"}}},
    }
    return {
        "paths": {path: {"get": operation, "delete": operation} for path in paths},
        "components": {
            "schemas": {"Item": {"items": [{"$ref": "#/components/schemas/Item"}]}} | schemas,
            "securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "bearer"}},
        },
    }


async def test_the_system_is_healthy_when_every_service_is_ready(world: Any) -> None:
    response = await world.ask("GET", "/health")

    assert response.status == 200
    assert await response.json() == {
        "status": "ok",
        "services": dict.fromkeys(["fabric", "fusion", "intelligence", "tasking"], "ready"),
    }


async def test_a_service_that_is_not_ready_is_named(start: Any, unused_tcp_port: int) -> None:
    world = await start(tasking_url=f"http://127.0.0.1:{unused_tcp_port}")
    world.services.is_ready = False

    response = await world.ask("GET", "/health")

    assert response.status == 503
    assert response.headers["Retry-After"] == "1"
    assert (await response.json())["services"] == {
        "fabric": "answers 503",
        "fusion": "answers 503",
        "intelligence": "answers 503",
        "tasking": "cannot be reached",
    }


async def test_the_gateway_itself_is_ready_whatever_its_services_are(world: Any) -> None:
    world.services.is_ready = False

    assert (await world.ask("GET", "/readyz")).status == 200


def test_only_public_paths_and_methods_are_documented() -> None:
    fusion = document("/v1/incidents/{incident_id}", "/v1/incident-events", "/v1/nodes", "/health")

    paths = merge({"fusion": fusion})["paths"]

    assert set(paths) == {"/v1/incidents/{incident_id}", "/v1/events"}
    assert set(paths["/v1/incidents/{incident_id}"]) == {"get"}


def test_components_of_one_name_in_two_services_stay_apart() -> None:
    merged = merge({"fusion": document("/v1/incidents"), "tasking": document("/v1/missions")})

    assert set(merged["components"]["schemas"]) == {"fusion.Item", "tasking.Item"}
    assert set(merged["components"]["securitySchemes"]) == {"HTTPBearer"}
    operation = merged["paths"]["/v1/missions"]["get"]
    assert operation["operationId"] == "tasking.read"
    assert operation["responses"]["200"]["schema"]["$ref"] == "#/components/schemas/tasking.Item"
    assert operation["security"] == [{"HTTPBearer": []}]
    item = merged["components"]["schemas"]["fusion.Item"]
    assert item == {"items": [{"$ref": "#/components/schemas/fusion.Item"}]}


async def test_the_document_names_a_service_it_has_to_do_without(
    start: Any, unused_tcp_port: int
) -> None:
    world = await start(tasking_url=f"http://127.0.0.1:{unused_tcp_port}")
    world.services.documents = document("/v1/nodes", "/v1/missions")

    response = await world.ask("GET", "/openapi.json")
    merged = await response.json()

    assert response.status == 200
    assert merged["x-unavailable"] == ["tasking"]
    assert set(merged["paths"]) == {"/v1/events", "/v1/nodes"}


@pytest.mark.parametrize("found", ["not json", [], 7])
async def test_what_is_no_document_is_left_out(world: Any, found: Any) -> None:
    world.services.documents = found

    merged = await (await world.ask("GET", "/openapi.json")).json()

    assert set(merged["paths"]) == {"/v1/events"}
