"""Risk events through the API: each one counts once, all of a delivery or none."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest


@pytest.fixture
def event(clock):
    def make(number=1, *, incident=1, status="CONFIRMED", age=0, **more):
        at = (clock() - timedelta(seconds=age)).isoformat()
        return {
            "id": f"{number}-1",
            "topic": "risk.assessed",
            "at": at,
            "data": {
                "incident_id": str(UUID(int=incident)),
                "score": 70,
                "level": "HIGH",
                "incident": {
                    "id": str(UUID(int=incident)),
                    "status": status,
                    "position": {"lat": 38, "lon": -120},
                    "last_seen_at": at,
                    "kinds": {"smoke": 3},
                },
            },
            **more,
        }

    return make


@pytest.fixture
def deliver(api):
    async def deliver(*events, source="intelligence"):
        body = {"source": source, "events": list(events)}
        return await api("service", source).post("/v1/risk-events", json=body)

    return deliver


@pytest.fixture
def statuses(api):
    async def statuses():
        items = (await api("viewer").get("/v1/missions")).json()["items"]
        return sorted(item["status"] for item in items)

    return statuses


async def test_events_become_missions_in_one_delivery(deliver, event, statuses):
    answer = await deliver(event(1, incident=1), event(2, incident=2, status="SUSPECTED"))

    assert answer.status_code == 204
    assert await statuses() == ["PENDING"]


async def test_a_replayed_event_is_not_counted_twice(deliver, event, statuses, api):
    await deliver(event())
    (mission,) = (await api("viewer").get("/v1/missions")).json()["items"]
    path = f"/v1/missions/{mission['id']}/transitions"
    await api("operator").post(path, json={"to": "CANCELLED"})

    assert (await deliver(event())).status_code == 204

    assert await statuses() == ["CANCELLED"]


async def test_events_of_a_delivery_are_taken_in_order(deliver, event, statuses):
    await deliver(event(1, age=2), event(2, age=1, status="CLOSED"))

    assert await statuses() == ["CANCELLED"]


async def test_of_a_delivery_with_a_fault_nothing_is_stored(deliver, event, statuses):
    answer = await deliver(event(1), event(2, at="yesterday"))

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert await statuses() == []
    assert (await deliver(event(1))).status_code == 204
    assert await statuses() == ["PENDING"]


@pytest.mark.parametrize(
    "fault",
    [
        {"id": "a b"},
        {"id": ""},
        {"topic": "weather"},
        {"at": "2026-07-01T12:00:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "9999-12-31T23:59:59-14:00"},
        {"data": {}},
    ],
    ids=repr,
)
async def test_an_event_that_cannot_be_is_refused(deliver, event, fault):
    answer = await deliver(event(**fault))

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_an_incident_answered_by_hand_gets_no_second_mission(api, deliver, event, statuses):
    by_hand = {
        "incident_id": str(UUID(int=1)),
        "position": {"lat": 38, "lon": -120},
        "capability": "suppress",
    }
    await api("operator").post("/v1/missions", json=by_hand)

    await deliver(event())

    assert await statuses() == ["PENDING"]


async def test_what_happened_is_in_the_feed(api, deliver, event):
    await deliver(event())

    feed = (await api("service", str(uuid4())).get("/v1/events")).json()

    assert [(item["topic"], item["data"]["status"]) for item in feed["events"]] == [
        ("mission.created", "PENDING")
    ]
