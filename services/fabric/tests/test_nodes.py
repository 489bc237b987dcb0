"""Nodes through the API: registering, heartbeats, silence, and what they cover."""

import json
from datetime import timedelta
from math import pi
from uuid import uuid4

import pytest

JSON = {"content-type": "application/json"}
TOWER = {
    "name": "tower-1",
    "kind": "tower",
    "position": {"lat": 38.5, "lon": -120.25},
    "range_m": 10_000,
    "capabilities": ["smoke", "heat"],
}


@pytest.fixture
def register(api):
    async def register(**changes):
        answer = await api("operator").post("/v1/nodes", json=TOWER | changes)
        assert answer.status_code == 201
        return answer.json()

    return register


@pytest.fixture
def beat(api, clock):
    """Send a heartbeat of the node itself, `age` seconds old."""

    async def beat(node, *, age=0, role="node", **content):
        sent_at = (clock() - timedelta(seconds=age)).isoformat()
        client = api(role, node["id"])
        path = f"/v1/nodes/{node['id']}/heartbeat"
        return await client.post(path, json={"sent_at": sent_at, **content})

    return beat


@pytest.fixture
def find(api):
    async def find(**filters):
        answer = await api("viewer").get("/v1/nodes", params=filters)
        assert answer.status_code == 200
        return {node["name"] for node in answer.json()["items"]}

    return find


async def test_a_registered_node_can_be_read_and_is_active(api, register, clock):
    node = await register()

    answer = await api("viewer").get(f"/v1/nodes/{node['id']}")

    assert answer.json() == {
        **TOWER,
        "id": node["id"],
        "capabilities": ["heat", "smoke"],
        "status": "ACTIVE",
        "battery_pct": None,
        "last_seen_at": clock().isoformat().replace("+00:00", "Z"),
        "registered_at": clock().isoformat().replace("+00:00", "Z"),
    }


async def test_a_name_is_registered_once(api, register, find):
    await register()

    answer = await api("operator").post("/v1/nodes", json=TOWER | {"range_m": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["detail"] == "there is a node called 'tower-1' already"
    assert await find() == {"tower-1"}


async def test_a_node_logs_in_with_what_it_was_given_and_beats(api, register, clock):
    node = await register()
    credentials = {key: node[key] for key in ("client_id", "client_secret")}
    wish = {"grant_type": "client_credentials", **credentials}

    token = (await api().post("/v1/tokens", json=wish)).json()["access_token"]
    answer = await api().post(
        f"/v1/nodes/{node['id']}/heartbeat",
        json={"sent_at": clock().isoformat()},
        headers={"authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("silence", "status"), [(29, "ACTIVE"), (30, "STALE"), (89, "STALE"), (90, "OFFLINE")]
)
async def test_a_silent_node_becomes_stale_and_then_offline(register, find, clock, silence, status):
    await register()
    clock.advance(seconds=silence)

    assert await find(status=status) == {"tower-1"}
    for other in {"ACTIVE", "STALE", "OFFLINE"} - {status}:
        assert await find(status=other) == set()


async def test_a_heartbeat_brings_a_node_back_with_its_news(register, beat, clock):
    node = await register(kind="drone")
    clock.advance(hours=1)

    answer = await beat(node, position={"lat": 1, "lon": 2}, battery_pct=55.5)

    body = answer.json()
    assert body["status"] == "ACTIVE"
    assert (body["position"], body["battery_pct"]) == ({"lat": 1, "lon": 2}, 55.5)


async def test_a_heartbeat_without_news_keeps_what_is_known(register, beat, clock):
    node = await register()
    await beat(node, battery_pct=40)
    clock.advance(seconds=1)

    body = (await beat(node)).json()

    assert (body["battery_pct"], body["position"]) == (40, TOWER["position"])


async def test_an_older_heartbeat_is_stale_and_changes_nothing(api, register, beat, clock):
    node = await register()
    await beat(node, battery_pct=40)

    answer = await beat(node, age=1, battery_pct=41)

    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    seen = (await api("viewer").get(f"/v1/nodes/{node['id']}")).json()
    assert seen["battery_pct"] == 40


async def test_a_replayed_heartbeat_does_not_keep_a_node_alive(register, beat, clock):
    node = await register()
    await beat(node)
    clock.advance(seconds=100)

    answer = await beat(node, age=100)

    assert (answer.status_code, answer.json()["status"]) == (200, "OFFLINE")


async def test_a_clock_that_is_minutes_slow_still_keeps_a_node_alive(register, beat, clock):
    node = await register()
    clock.advance(hours=1)

    assert (await beat(node, age=600)).json()["status"] == "ACTIVE"


async def test_a_heartbeat_from_the_future_is_refused(register, beat):
    node = await register()

    answer = await beat(node, age=-301)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert (await beat(node)).status_code == 200


async def test_an_operator_may_beat_for_a_node_but_another_node_may_not(api, register, clock):
    node = await register()
    path, beat = f"/v1/nodes/{node['id']}/heartbeat", {"sent_at": clock().isoformat()}

    assert (await api("operator").post(path, json=beat)).status_code == 200
    answer = await api("node", str(uuid4())).post(path, json=beat)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_unknown_node_is_not_found(api, clock):
    path, beat = f"/v1/nodes/{uuid4()}", {"sent_at": clock().isoformat()}

    answers = [
        await api("operator").get(path),
        await api("operator").post(f"{path}/heartbeat", json=beat),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (404, "not_found"),
        (404, "not_found"),
    ]


async def test_nodes_are_found_by_kind_and_capability(register, find):
    await register()
    await register(name="truck-1", kind="truck", capabilities=["suppress"])

    assert await find(kind="truck") == {"truck-1"}
    assert await find(capability="smoke") == {"tower-1"}
    assert await find(kind="truck", capability="smoke") == set()


async def test_pages_follow_one_another_and_lose_nobody(api, register):
    names = {(await register(name=f"tower-{number}"))["name"] for number in range(5)}
    found, after = [], {}

    while after is not None:
        answer = await api("service").get("/v1/nodes", params={"limit": 2, **after})
        page = answer.json()
        assert len(page["items"]) <= 2
        found += [node["name"] for node in page["items"]]
        after = {"after": page["next"]} if page["next"] else None

    assert sorted(found) == sorted(names)


@pytest.mark.parametrize(
    "fault",
    [
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "\ud800"},
        {"name": "n" * 101},
        {"kind": "submarine"},
        {"position": {"lat": 90.1, "lon": 0}},
        {"position": {"lat": 0}},
        {"range_m": -1},
        {"range_m": 1e12},
        {"capabilities": ["a\x00"]},
        {"capabilities": ["smoke"] * 17},
        {"colour": "red"},
    ],
    ids=repr,
)
async def test_a_node_that_cannot_be_is_not_registered(api, find, fault):
    answer = await api("operator").post(
        "/v1/nodes", content=json.dumps(TOWER | fault), headers=JSON
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert await find() == set()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_range_that_is_no_number_is_refused(api, number):
    body = (
        '{"name": "t", "kind": "tower", "position": {"lat": 1, "lon": 2}, "capabilities": [],'
        f' "range_m": {number}}}'
    )

    answer = await api("operator").post("/v1/nodes", content=body, headers=JSON)

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "sent_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-07-01T12:00:00"]
)
async def test_a_time_that_cannot_be_is_refused(api, register, sent_at):
    node = await register()

    answer = await api("operator").post(
        f"/v1/nodes/{node['id']}/heartbeat", json={"sent_at": sent_at}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_coverage_is_that_of_nodes_which_are_not_offline(api, register, beat, clock):
    await register(name="gone")
    clock.advance(seconds=60)
    await register()
    await register(name="at the same place")
    clock.advance(seconds=30)

    answer = await api("viewer").get("/v1/coverage")

    assert answer.json() == {"nodes": 2, "area_km2": pytest.approx(pi * 100, rel=1e-4)}


async def test_no_nodes_cover_nothing(api):
    assert (await api("viewer").get("/v1/coverage")).json() == {"nodes": 0, "area_km2": 0}
