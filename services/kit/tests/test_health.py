"""What a service says of itself."""

import asyncio

import httpx
import pytest

from services.kit.problems import Code, Problem
from services.kit.testing import client


async def fine() -> None:
    return None


async def away() -> None:
    raise Problem(Code.UNAVAILABLE, "the database cannot be reached")


async def broken() -> None:
    raise KeyError("s3cret")


async def silent() -> None:
    await asyncio.Event().wait()


async def test_health_names_the_service(http):
    answer = await http.get("/health")

    assert answer.json() == {"name": "toy", "version": "1.2.3", "status": "ok"}


async def test_a_service_is_ready_when_every_check_passes(make_kit):
    async with client(make_kit(checks={"database": fine, "fabric": fine})) as http:
        answer = await http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": {"status": "ok"}, "fabric": {"status": "ok"}},
    }


@pytest.mark.parametrize(
    ("check", "detail"),
    [
        (away, "the database cannot be reached"),
        (broken, "KeyError"),
        (silent, "no answer within 0.02 s"),
    ],
)
async def test_a_service_is_not_ready_when_a_check_fails(make_kit, check, detail):
    kit = make_kit(checks={"good": fine, "bad": check}, check_timeout_seconds=0.02)
    async with client(kit) as http:
        answer = await http.get("/readyz")
        alive = await http.get("/livez")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == {
        "status": "failed",
        "checks": {"good": {"status": "ok"}, "bad": {"status": "failed", "detail": detail}},
    }
    assert alive.status_code == 200


async def test_checks_run_at_the_same_time(make_kit):
    meeting = asyncio.Barrier(2)

    async def meet() -> None:
        await meeting.wait()

    async with client(make_kit(checks={"one": meet, "other": meet})) as http:
        assert (await http.get("/readyz")).status_code == 200


async def test_however_many_ask_the_checks_are_asked_once(make_kit):
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    async with client(make_kit(checks={"count": count})) as http:
        answers = await asyncio.gather(*(http.get("/readyz") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert asked == 1


async def test_a_service_that_stops_is_not_ready_but_still_serves(make_kit):
    kit = make_kit(checks={"database": fine})
    async with client(kit) as http:
        kit.stop()
        ready, health = await http.get("/readyz"), await http.get("/health")
        served = await http.get("/v1/things/1")

    assert (ready.status_code, ready.json()["status"]) == (503, "stopping")
    assert (health.status_code, health.json()["status"]) == (200, "stopping")
    assert served.status_code == 200


async def test_a_service_that_has_not_started_is_not_ready(make_kit):
    transport = httpx.ASGITransport(make_kit())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (503, "starting")


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz", "/metrics"])
async def test_these_are_for_reading_only(http, path):
    answer = await http.post(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_metrics_are_in_the_text_format_and_know_the_process(http):
    answer = await http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")
    assert "process_resident_memory_bytes" in answer.text
