import asyncio
from uuid import UUID, uuid4

import pytest

INCIDENT = "00000000-0000-4000-8000-000000000001"


async def risk(api, incident_id=INCIDENT):
    answer = await api("viewer").get(f"/v1/risks/{incident_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def deliver(api, delivery):
    answer = await api("service").post("/v1/incident-events", json=delivery)
    assert answer.status_code == 204, answer.text


async def test_an_incident_without_weather_gets_a_risk_that_says_so(api, told_by_fusion):
    await deliver(api, told_by_fusion({}))

    found = await risk(api)

    assert found["indices"] is None
    assert (found["score"], found["level"]) == (48.0, "HIGH")
    assert [one["contribution"] for one in found["explanation"]] == [30.0, 15.0, 3.0]
    assert "unknown" in found["explanation"][0]["text"]


async def test_an_incident_near_a_station_gets_its_fire_weather(api, reading, told_by_fusion):
    await api("node").post("/v1/weather", json=reading())
    await deliver(api, told_by_fusion({}))

    found = await risk(api)

    assert found["indices"]["fwi"] == pytest.approx(found["explanation"][0]["value"], abs=0.05)
    assert "ridge, 11 km away" in found["explanation"][0]["text"]


async def test_what_is_told_is_the_risk_with_its_incident(api, told_by_fusion, told):
    delivery = told_by_fusion({"status": "CONFIRMED"})
    await deliver(api, delivery)

    ((topic, data),) = await told()

    assert topic == "risk.assessed"
    assert data.pop("incident") == delivery["events"][0]["data"]
    assert data == await risk(api)


async def test_an_event_delivered_again_changes_nothing(api, told_by_fusion, told):
    for _ in "ab":
        await deliver(api, told_by_fusion({}))

    assert len(await told()) == 1


async def test_an_older_state_never_overwrites_a_newer_one(api, told_by_fusion, told):
    await deliver(api, told_by_fusion({"observation_count": 3, "confidence": 0.9}, first_id=10))
    await deliver(api, told_by_fusion({"observation_count": 2, "confidence": 0.7}, first_id=9))

    assert (await risk(api))["explanation"][1]["value"] == 0.9
    assert len(await told()) == 1


async def test_nothing_reopens_a_closed_incident(api, reading, told_by_fusion, told):
    await deliver(api, told_by_fusion({"status": "CLOSED", "observation_count": 3}, first_id=10))
    await deliver(api, told_by_fusion({"observation_count": 4}, first_id=9))
    await api("node").post("/v1/weather", json=reading())

    assert [data["incident"]["status"] for _, data in await told()] == ["CLOSED"]


async def test_a_delivery_is_assessed_once_for_each_incident(api, told_by_fusion, told):
    other = str(uuid4())
    await deliver(
        api,
        told_by_fusion({}, {"id": other}, {"observation_count": 2}, {"observation_count": 3}),
    )

    counts = {
        data["incident_id"]: data["incident"]["observation_count"] for _, data in await told()
    }
    assert counts == {INCIDENT: 3, other: 1}


async def test_one_bad_event_spoils_its_whole_delivery(api, told_by_fusion, told):
    delivery = told_by_fusion({}, {"id": str(uuid4()), "confidence": 2})

    answer = await api("service").post("/v1/incident-events", json=delivery)

    assert answer.status_code == 422
    assert await told() == []


async def test_new_weather_changes_the_risk_of_what_burns_near(api, reading, told_by_fusion, told):
    far = str(uuid4())
    await deliver(api, told_by_fusion({}, {"id": far, "position": {"lat": 46.0, "lon": 20.0}}))

    await api("node").post("/v1/weather", json=reading())

    assert (await risk(api))["indices"] is not None
    assert (await risk(api, far))["indices"] is None
    assert [data["incident_id"] for _, data in (await told())[2:]] == [INCIDENT]


async def test_an_incident_and_the_weather_near_it_arriving_at_once_do_not_miss_each_other(
    replica, reading, told_by_fusion
):
    one, other = await replica(), await replica()
    incidents = [{"id": str(UUID(int=number))} for number in range(1, 11)]

    await asyncio.gather(
        *(deliver(one, told_by_fusion(change, first_id=n)) for n, change in enumerate(incidents)),
        other("node").post("/v1/weather", json=reading()),
    )

    risks = (await one("viewer").get("/v1/risks")).json()["items"]
    assert [found["indices"] is not None for found in risks] == [True] * 10


async def test_weather_that_changes_no_risk_is_not_told(api, reading, told_by_fusion, told):
    await api("node").post("/v1/weather", json=reading())
    await deliver(api, told_by_fusion({}))

    await api("node").post("/v1/weather", json=reading(station="behind", lat=46.5))

    assert len(await told()) == 1


async def test_the_nearest_station_counts(api, reading, told_by_fusion):
    await api("node").post("/v1/weather", json=reading(station="near", lat=46.05))
    await api("node").post("/v1/weather", json=reading(station="far", lat=45.9, wind_kmh=0))
    await deliver(api, told_by_fusion({}))

    assert "near, 6 km" in (await risk(api))["explanation"][0]["text"]


async def test_old_weather_counts_as_unknown(api, reading, told_by_fusion, clock):
    await api("node").post("/v1/weather", json=reading())
    clock.advance(hours=36, seconds=1)

    await deliver(api, told_by_fusion({}))

    assert (await risk(api))["indices"] is None


async def test_risks_come_page_by_page(api, told_by_fusion):
    ids = [str(UUID(int=number)) for number in range(1, 6)]
    await deliver(api, told_by_fusion(*({"id": one} for one in ids)))

    first = (await api("viewer").get("/v1/risks", params={"limit": 3})).json()
    rest = (await api("viewer").get("/v1/risks", params={"after": first["next"]})).json()
    one = (await api("viewer").get("/v1/risks", params={"incident_id": ids[1]})).json()

    assert [item["incident_id"] for item in first["items"] + rest["items"]] == ids
    assert [item["incident_id"] for item in one["items"]] == [ids[1]]


async def test_the_risk_of_an_unknown_incident_is_not_found(api):
    answer = await api("viewer").get(f"/v1/risks/{uuid4()}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
