import pytest

from services.intelligence.fwi import SEASON_START, Weather, daily_indices


async def indices_at(api, told_by_fusion):
    """What an incident next to the station is told of its fire weather."""
    delivery = told_by_fusion({})
    await api("service").post("/v1/incident-events", json=delivery)
    incident_id = delivery["events"][0]["data"]["id"]
    return (await api("viewer").get(f"/v1/risks/{incident_id}")).json()["indices"]


def expected(*days: Weather) -> dict[str, float]:
    moisture = SEASON_START
    for day in days:
        indices = daily_indices(moisture, day, month=7, latitude=46.1)
        moisture = indices.moisture
    return {name: getattr(indices, name) for name in ("ffmc", "dmc", "dc", "isi", "bui", "fwi")}


DRY = Weather(temperature_c=30, humidity_pct=20, wind_kmh=25, rain_mm=0)
WET = Weather(temperature_c=30, humidity_pct=20, wind_kmh=25, rain_mm=20)


async def test_a_reading_is_stored_once(api, reading):
    answers = [await api("node").post("/v1/weather", json=reading()) for _ in "ab"]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json() == reading()
    page = (await api("viewer").get("/v1/weather")).json()
    assert page == {"items": [reading()], "next": None}


@pytest.mark.parametrize(
    "change", [{"rain_mm": 1}, {"lat": 46.2}, {"temperature_c": 29.9}], ids=str
)
async def test_other_weather_for_the_same_instant_is_a_conflict(api, reading, change):
    await api("node").post("/v1/weather", json=reading())

    answer = await api("node").post("/v1/weather", json=reading(**change))

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await api("viewer").get("/v1/weather")).json()["items"] == [reading()]


async def test_moisture_is_carried_from_day_to_day(api, reading, told_by_fusion, clock):
    clock.advance(days=2)
    for day, rain in [(1, 0), (2, 20), (3, 0)]:
        await api("node").post(
            "/v1/weather", json=reading(rain_mm=rain, observed_at=f"2026-07-0{day}T12:00:00Z")
        )

    assert await indices_at(api, told_by_fusion) == pytest.approx(expected(DRY, WET, DRY))


async def test_a_late_reading_changes_the_days_after_it(api, reading, told_by_fusion, clock):
    clock.advance(days=2)
    for day, rain in [(1, 0), (3, 0), (2, 20)]:
        await api("node").post(
            "/v1/weather", json=reading(rain_mm=rain, observed_at=f"2026-07-0{day}T12:00:00Z")
        )

    assert await indices_at(api, told_by_fusion) == pytest.approx(expected(DRY, WET, DRY))


async def test_of_several_readings_a_day_the_one_nearest_to_noon_counts(
    api, reading, told_by_fusion, clock
):
    clock.advance(hours=10)
    for hour, rain in [("08:00", 5), ("11:50", 20), ("13:00", 0), ("20:00", 0)]:
        await api("node").post(
            "/v1/weather", json=reading(rain_mm=rain, observed_at=f"2026-07-01T{hour}:00Z")
        )

    assert await indices_at(api, told_by_fusion) == pytest.approx(expected(WET))


async def test_readings_come_the_last_arrived_first_and_by_station(api, reading):
    for station in ("ridge", "valley", "ridge 2"):
        await api("node").post("/v1/weather", json=reading(station=station))

    first = (await api("viewer").get("/v1/weather", params={"limit": 2})).json()
    rest = (await api("viewer").get("/v1/weather", params={"after": first["next"]})).json()
    one = (await api("viewer").get("/v1/weather", params={"station": "valley"})).json()

    assert [item["station"] for item in first["items"]] == ["ridge 2", "valley"]
    assert [item["station"] for item in rest["items"]] == ["ridge"]
    assert [item["station"] for item in one["items"]] == ["valley"]


@pytest.mark.parametrize(
    "change",
    [
        {"station": ""},
        {"station": "a\x00b"},
        {"position": None},
        {"temperature_c": 61},
        {"humidity_pct": -1},
        {"humidity_pct": 101},
        {"wind_kmh": "strong"},
        {"rain_mm": -0.1},
        {"observed_at": "2026-07-01T12:05:01Z"},
        {"observed_at": "2026-07-01T12:00:00"},
        {"snow_cm": 3},
    ],
    ids=str,
)
async def test_weather_that_makes_no_sense_is_refused(api, reading, change):
    answer = await api("node").post("/v1/weather", json=reading() | change)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert (await api("viewer").get("/v1/weather")).json()["items"] == []
