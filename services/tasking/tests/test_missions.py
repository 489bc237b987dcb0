"""Missions through the API: opened by operators, moved by nodes, never twice."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from services.tasking.choice import Choice
from services.tasking.missions import dispatch, locked

FIRE = {"lat": 38.5, "lon": -120.25}


@pytest.fixture
def open_mission(api):
    async def open_mission(**more):
        wanted = {"position": FIRE, "capability": "suppress", **more}
        # Not by the client's own encoder, which refuses what a hostile one may send.
        return await api("operator", "ann").post(
            "/v1/missions", content=json.dumps(wanted), headers={"content-type": "application/json"}
        )

    return open_mission


@pytest.fixture
def dispatched(database, clock, open_mission):
    """A mission that was given to a node: the ids of both."""

    async def make():
        mission_id = (await open_mission()).json()["id"]
        node_id = uuid4()
        async with database.session() as session:
            mission = await locked(session, mission_id, wait=True)
            choice = Choice(node_id, 1234.5)
            deadline = clock() + timedelta(minutes=1)
            await dispatch(session, mission, choice, now=clock(), deadline=deadline)
        return mission_id, str(node_id)

    return make


@pytest.fixture
def move(api):
    async def move(mission_id, to, *, role="node", by="ann", **more):
        path = f"/v1/missions/{mission_id}/transitions"
        return await api(role, by).post(path, json={"to": to, **more})

    return move


@pytest.fixture
def topics(emitted):
    async def topics():
        return [topic for topic, _ in await emitted()]

    return topics


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_mission_opened_by_hand_waits_for_a_node(api, open_mission, emitted, clock):
    answer = await open_mission(note="by the river")

    mission = answer.json()
    now = clock().isoformat().replace("+00:00", "Z")
    assert answer.status_code == 201
    assert mission == {
        "id": mission["id"],
        "incident_id": None,
        "position": FIRE,
        "capability": "suppress",
        "note": "by the river",
        "status": "PENDING",
        "node_id": None,
        "distance_m": None,
        "attempts": 0,
        "created_at": now,
        "updated_at": now,
        "deadline_at": None,
    }
    assert await emitted() == [("mission.created", mission)]
    assert (await api("viewer").get(f"/v1/missions/{mission['id']}")).json() == mission | {
        "history": [
            {
                "source": None,
                "target": "PENDING",
                "node_id": None,
                "by": "ann",
                "reason": None,
                "at": now,
            }
        ]
    }


async def test_an_incident_has_one_open_mission(open_mission, move):
    incident = str(uuid4())
    first = await open_mission(incident_id=incident)

    refused(await open_mission(incident_id=incident), 409, "conflict")

    await move(first.json()["id"], "CANCELLED", role="operator")
    assert (await open_mission(incident_id=incident)).status_code == 201


async def test_the_node_brings_its_mission_to_an_end(dispatched, move, topics):
    mission, node = await dispatched()

    for step in ("ACCEPTED", "ON_SCENE", "COMPLETED"):
        answer = await move(mission, step, by=node)
        assert (answer.status_code, answer.json()["status"]) == (200, step)

    assert answer.json()["node_id"] == node
    assert await topics() == [
        "mission.created",
        "mission.dispatched",
        "mission.accepted",
        "mission.on_scene",
        "mission.completed",
    ]


@pytest.mark.parametrize("path", [["ACCEPTED"], ["ACCEPTED", "ON_SCENE", "COMPLETED"]], ids=str)
async def test_a_replayed_transition_changes_nothing(dispatched, move, topics, clock, path):
    mission, node = await dispatched()
    for step in path:
        done = await move(mission, step, by=node)
    told = await topics()
    clock.advance(seconds=5)

    replayed = await move(mission, path[-1], by=node)

    assert replayed.status_code == 200
    assert replayed.json() == done.json()
    assert await topics() == told


async def test_somebody_elses_transition_is_no_replay(dispatched, move):
    mission, node = await dispatched()
    await move(mission, "ACCEPTED", by=node)

    refused(await move(mission, "ACCEPTED", role="operator"), 409, "illegal_transition")


@pytest.mark.parametrize("to", ["ON_SCENE", "COMPLETED", "FAILED"])
async def test_a_step_cannot_be_left_out(dispatched, move, topics, to):
    mission, node = await dispatched()

    answer = await move(mission, to, by=node)

    refused(answer, 409, "illegal_transition")
    assert answer.json()["detail"] == f"a mission that is DISPATCHED cannot become {to}"
    assert await topics() == ["mission.created", "mission.dispatched"]


async def test_a_mission_that_ended_stays_so(dispatched, move):
    mission, node = await dispatched()
    await move(mission, "CANCELLED", role="operator")

    refused(await move(mission, "ACCEPTED", by=node), 409, "illegal_transition")


async def test_another_node_may_neither_see_nor_move_a_mission(api, dispatched, move):
    mission, _ = await dispatched()
    stranger = str(uuid4())

    refused(await move(mission, "ACCEPTED", by=stranger), 403, "forbidden")
    refused(await api("node", stranger).get(f"/v1/missions/{mission}"), 403, "forbidden")


async def test_a_node_may_not_cancel_and_nobody_dispatches_by_hand(open_mission, dispatched, move):
    mission, node = await dispatched()
    refused(await move(mission, "CANCELLED", by=node), 403, "forbidden")
    refused(await move(mission, "PENDING", by=node), 403, "forbidden")

    waiting = (await open_mission()).json()["id"]
    refused(await move(waiting, "DISPATCHED", role="admin"), 403, "forbidden")


async def test_an_operator_may_report_for_a_node(dispatched, move):
    mission, _ = await dispatched()

    answer = await move(mission, "ACCEPTED", role="operator", reason="by radio")

    assert answer.json()["status"] == "ACCEPTED"


async def test_a_node_finds_its_own_missions_only(api, dispatched):
    mission, node = await dispatched()
    await dispatched()

    found = (await api("node", node).get("/v1/missions")).json()["items"]
    nothing = (await api("node", "no-uuid").get("/v1/missions")).json()["items"]

    assert ([item["id"] for item in found], nothing) == ([mission], [])


async def test_missions_are_found_by_status_incident_and_node(api, open_mission, dispatched):
    mission, node = await dispatched()
    incident = str(uuid4())
    waiting = (await open_mission(incident_id=incident)).json()["id"]

    async def find(**filters):
        answer = await api("viewer").get("/v1/missions", params=filters)
        return {item["id"] for item in answer.json()["items"]}

    assert await find() == {mission, waiting}
    assert await find(status="DISPATCHED") == await find(node_id=node) == {mission}
    assert await find(status="PENDING") == await find(incident_id=incident) == {waiting}
    assert await find(status="COMPLETED") == set()


async def test_pages_follow_one_another_and_lose_nothing(api, open_mission):
    missions = {(await open_mission()).json()["id"] for _ in range(5)}
    found, after = [], {}

    while after is not None:
        page = (await api("viewer").get("/v1/missions", params={"limit": 2, **after})).json()
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        after = {"after": page["next"]} if page["next"] else None

    assert sorted(found) == sorted(missions)


async def test_an_unknown_mission_is_not_found(api, move):
    unknown = uuid4()

    refused(await api("viewer").get(f"/v1/missions/{unknown}"), 404, "not_found")
    refused(await move(unknown, "ACCEPTED", role="operator"), 404, "not_found")


@pytest.mark.parametrize(
    "fault",
    [
        {"position": {"lat": 91, "lon": 0}},
        {"position": None},
        {"capability": "a\x00"},
        {"capability": ""},
        {"note": "a\x00"},
        {"note": "\ud800"},
        {"note": "n" * 501},
        {"incident_id": "17"},
        {"colour": "red"},
    ],
    ids=repr,
)
async def test_a_mission_that_cannot_be_is_not_opened(open_mission, topics, fault):
    refused(await open_mission(**fault), 422, "validation_failed")
    assert await topics() == []


@pytest.mark.parametrize("reason", ["a\x00", "r" * 501, 7], ids=repr)
async def test_a_reason_that_cannot_be_is_refused(dispatched, move, reason):
    mission, node = await dispatched()

    refused(await move(mission, "ACCEPTED", by=node, reason=reason), 422, "validation_failed")
