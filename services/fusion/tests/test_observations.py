import asyncio

import pytest


async def test_smoke_from_three_sources_is_one_confirmed_incident(api, sighting, told):
    for source in ("tower-1", "drone-7", "viirs"):
        answer = await api("node").post("/v1/observations", json=sighting(source, source=source))
        assert answer.status_code == 201, answer.text

    (incident,) = (await api("viewer").get("/v1/incidents")).json()["items"]
    assert answer.json()["incident_id"] == incident["id"]
    assert incident["status"] == "CONFIRMED"
    assert incident["kinds"] == {"smoke": 3}
    assert incident["confidence"] == pytest.approx(0.871, abs=0.001)
    assert [topic for topic, _ in await told()] == [
        "incident.suspected",
        "incident.updated",
        "incident.confirmed",
    ]


async def test_what_is_told_is_the_incident_as_it_can_be_read(api, sighting, told):
    await api("node").post("/v1/observations", json=sighting())

    (incident,) = (await api("viewer").get("/v1/incidents")).json()["items"]
    assert await told() == [("incident.suspected", incident)]


async def test_a_replayed_key_is_not_counted_twice(api, sighting, told):
    first = await api("node").post("/v1/observations", json=sighting())

    again = await api("node").post("/v1/observations", json=sighting())

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    (incident,) = (await api("viewer").get("/v1/incidents")).json()["items"]
    assert incident["observation_count"] == 1
    assert len(await told()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "heat"},
        {"lat": 46.0001},
        {"uncertainty_m": 101},
        {"confidence": 0.76},
        {"source": "tower-2"},
        {"observed_at": "2026-07-01T12:00:00.000001Z"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_key_used_for_another_content_is_a_conflict(api, sighting, told, change):
    await api("node").post("/v1/observations", json=sighting())

    answer = await api("node").post("/v1/observations", json=sighting(**change))

    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"
    stored = (await api("viewer").get("/v1/observations/one")).json()
    assert {name: stored[name] for name in ("kind", "confidence", "source")} == {
        "kind": "smoke",
        "confidence": 0.75,
        "source": "tower-1",
    }
    assert len(await told()) == 1


async def test_the_same_instant_in_another_zone_is_a_replay(api, sighting):
    await api("node").post("/v1/observations", json=sighting())

    answer = await api("node").post(
        "/v1/observations", json=sighting(observed_at="2026-07-01T14:00:00+02:00")
    )

    assert answer.status_code == 200


async def test_an_observation_from_the_future_is_refused(api, sighting, clock):
    claimed = sighting(observed_at="2026-07-01T12:05:01Z")
    answer = await api("node").post("/v1/observations", json=claimed)

    assert answer.status_code == 422
    assert (await api("viewer").get("/v1/observations/one")).status_code == 404

    clock.advance(seconds=1)
    assert (await api("node").post("/v1/observations", json=claimed)).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "fog"},
        {"kind": None},
        {"position": {"lat": 91, "lon": 0}},
        {"position": [46, 7]},
        {"uncertainty_m": 0},
        {"uncertainty_m": 1e9},
        {"uncertainty_m": "100 m"},
        {"confidence": 0},
        {"confidence": 1},
        {"source": ""},
        {"source": "tower\x00"},
        {"key": "k" * 129},
        {"key": 7},
        {"observed_at": "2026-07-01T12:00:00"},
        {"observed_at": "1970-01-01T00:00:00Z"},
        {"observed_at": "yesterday"},
        {"mood": "calm"},
    ],
    ids=str,
)
async def test_an_observation_that_makes_no_sense_is_refused(api, sighting, told, change):
    answer = await api("node").post("/v1/observations", json=sighting() | change)

    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
    assert await told() == []


async def test_a_batch_counts_what_is_fresh_and_what_is_not(api, sighting, told):
    await api("node").post("/v1/observations", json=sighting("known"))
    batch = [
        sighting("known"),
        sighting("b", source="drone"),
        sighting("b", source="drone"),
        sighting("far", lat=10.0),
    ]

    answer = await api("node").post("/v1/observations/batch", json={"observations": batch})

    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (2, 2)
    assert len(answer.json()["incidents"]) == 2
    assert sorted(topic for topic, _ in (await told())[1:]) == [
        "incident.suspected",
        "incident.updated",
    ]


async def test_a_batch_that_confirms_at_once_tells_of_it_once(api, sighting, told):
    batch = [sighting(source, source=source) for source in ("tower", "drone", "viirs")]

    await api("node").post("/v1/observations/batch", json={"observations": batch})

    ((topic, incident),) = await told()
    assert (topic, incident["observation_count"]) == ("incident.confirmed", 3)


@pytest.mark.parametrize(
    "spoiler",
    [
        {"confidence": 0.9},
        {"key": "new", "observed_at": "2027-01-01T00:00:00Z"},
        {"key": "new", "confidence": 2},
    ],
    ids=["conflict", "future", "invalid"],
)
async def test_one_bad_observation_spoils_its_whole_batch(api, sighting, told, spoiler):
    batch = [sighting(), sighting("two", lat=10.0), sighting() | spoiler]

    answer = await api("node").post("/v1/observations/batch", json={"observations": batch})

    assert answer.status_code in (409, 422)
    assert (await api("viewer").get("/v1/incidents")).json()["items"] == []
    assert await told() == []


@pytest.mark.parametrize("size", [0, 1001])
async def test_a_batch_has_a_size(api, sighting, size):
    batch = [sighting(f"k{number}") for number in range(size)]

    answer = await api("node").post("/v1/observations/batch", json={"observations": batch})

    assert answer.status_code == 422


async def test_a_thousand_observations_are_one_batch(api, sighting):
    batch = [
        sighting(f"k{number}", lat=number / 20, source=f"s{number % 7}") for number in range(1000)
    ]

    first = await api("node").post("/v1/observations/batch", json={"observations": batch})
    again = await api("node").post("/v1/observations/batch", json={"observations": batch})

    assert (first.json()["accepted"], again.json()["accepted"]) == (1000, 0)
    assert again.json()["incidents"] == first.json()["incidents"]
    assert len(first.json()["incidents"]) == 1000


async def test_an_incident_across_the_180th_meridian_is_found_again(api, sighting):
    for key, lon in [("west", 179.9995), ("east", -179.9995)]:
        await api("node").post("/v1/observations", json=sighting(key, lon=lon, source=key))

    (incident,) = (await api("viewer").get("/v1/incidents")).json()["items"]
    assert incident["observation_count"] == 2


async def test_replicas_that_see_one_fire_at_once_open_one_incident(replica, sighting):
    one, other = await replica(), await replica()

    answers = await asyncio.gather(
        *(
            (one, other)[number % 2]("node").post(
                "/v1/observations", json=sighting(f"k{number}", source=f"s{number}")
            )
            for number in range(10)
        )
    )

    assert [answer.status_code for answer in answers] == [201] * 10
    (incident,) = (await one("viewer").get("/v1/incidents")).json()["items"]
    assert incident["observation_count"] == 10


async def test_of_the_same_observation_sent_at_once_one_is_fresh(replica, sighting):
    one, other = await replica(), await replica()

    answers = await asyncio.gather(
        *(
            replica_("node").post("/v1/observations", json=sighting())
            for replica_ in (one, other, one, other)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
