import asyncio
from uuid import uuid4

import pytest


@pytest.fixture
async def incident(api, sighting) -> str:
    answer = await api("node").post("/v1/observations", json=sighting())
    return answer.json()["incident_id"]


async def test_an_incident_names_its_observations_the_newest_first(api, sighting, incident):
    later = sighting("later", observed_at="2026-07-01T12:01:00Z")
    await api("node").post("/v1/observations", json=later)

    answer = await api("viewer").get(f"/v1/incidents/{incident}")

    assert answer.json()["observations"] == ["later", "one"]


async def test_a_closed_incident_takes_no_observations(api, sighting, incident):
    await api("operator").post(f"/v1/incidents/{incident}/close")

    answer = await api("node").post("/v1/observations", json=sighting("later"))

    assert answer.json()["incident_id"] != incident
    closed = (await api("viewer").get(f"/v1/incidents/{incident}")).json()
    assert (closed["status"], closed["observations"]) == ("CLOSED", ["one"])


async def test_closing_again_changes_nothing(api, told, incident):
    answers = [await api("operator").post(f"/v1/incidents/{incident}/close") for _ in "ab"]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [topic for topic, _ in await told()] == ["incident.suspected", "incident.closed"]


async def test_closing_and_observing_at_once_never_reopens(api, sighting, incident):
    await asyncio.gather(
        api("operator").post(f"/v1/incidents/{incident}/close"),
        *(api("node").post("/v1/observations", json=sighting(f"k{number}")) for number in range(5)),
    )

    closed = (await api("viewer").get(f"/v1/incidents/{incident}")).json()
    assert closed["status"] == "CLOSED"
    assert closed["observation_count"] == len(closed["observations"])


async def test_incidents_come_the_newest_first_page_by_page(api, sighting):
    opened = []
    for number in range(5):
        answer = await api("node").post(
            "/v1/observations", json=sighting(f"k{number}", lat=number * 10.0)
        )
        opened.append(answer.json()["incident_id"])

    listed, after = [], {}
    while after is not None:
        query = {"limit": 2} | after
        page = (await api("viewer").get("/v1/incidents", params=query)).json()
        listed += [incident["id"] for incident in page["items"]]
        after = {"after": page["next"]} if page["next"] is not None else None

    assert listed == opened[::-1]


async def test_incidents_are_found_by_status(api, sighting, incident):
    other = await api("node").post("/v1/observations", json=sighting("other", lat=10.0))
    await api("operator").post(f"/v1/incidents/{incident}/close")

    found = {
        status: [
            one["id"]
            for one in (await api("viewer").get("/v1/incidents", params={"status": status})).json()[
                "items"
            ]
        ]
        for status in ("SUSPECTED", "CONFIRMED", "CLOSED")
    }

    assert found == {
        "SUSPECTED": [other.json()["incident_id"]],
        "CONFIRMED": [],
        "CLOSED": [incident],
    }


@pytest.mark.parametrize(
    "query", ["status=BURNING", "limit=0", "limit=1001", "after=x", f"after={2**63}", "colour=red"]
)
async def test_a_query_that_makes_no_sense_is_refused(api, query):
    answer = await api("viewer").get(f"/v1/incidents?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.parametrize("path", ["/v1/incidents/{}", "/v1/observations/{}"])
async def test_what_is_not_there_is_not_found(api, path):
    answer = await api("viewer").get(path.format(uuid4()))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_an_unknown_incident_cannot_be_closed(api):
    answer = await api("operator").post(f"/v1/incidents/{uuid4()}/close")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
