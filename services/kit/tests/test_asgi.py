"""Every request's ids, headers, limits, deadline and numbers."""

import asyncio
import logging
import re
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from services.kit.asgi import Kit
from services.kit.context import current
from services.kit.settings import ServiceSettings
from services.kit.testing import client


async def numbers(http: httpx.AsyncClient) -> dict[str, float]:
    lines = (await http.get("/metrics")).text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


async def two_at_hand(http: httpx.AsyncClient) -> None:
    """Return once there is another request at hand than the question itself."""
    async with asyncio.timeout(5):
        # Not an event to wait for: what is asked is what an operator would see.
        while (await numbers(http))["http_requests_in_flight"] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_request_id_is_made_when_none_is_given(http):
    first, second = await http.get("/v1/things/1"), await http.get("/v1/things/1")

    assert re.fullmatch("[0-9a-f]{32}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_sane_request_id_is_kept(http):
    answer = await http.get("/v1/things/1", headers={"X-Request-ID": "order-17"})

    assert answer.headers.get_list("x-request-id") == ["order-17"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "ä".encode(), "<script>"])
async def test_a_request_id_that_could_harm_a_log_is_replaced(http, given):
    answer = await http.get("/v1/things/1", headers={"X-Request-ID": given})

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_a_trace_is_continued_with_a_span_of_our_own(make_kit):
    app = FastAPI()

    @app.get("/trace")
    async def trace() -> str:
        return current.get().traceparent()

    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with client(make_kit(app)) as http:
        answer = (await http.get("/trace", headers={"traceparent": given})).json()

    assert re.fullmatch("00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01", answer)
    assert answer != given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    ],
)
async def test_a_trace_that_is_not_valid_is_started_anew(make_kit, given):
    app = FastAPI()

    @app.get("/trace")
    async def trace() -> str:
        return current.get().traceparent()

    async with client(make_kit(app)) as http:
        answer = (await http.get("/trace", headers={"traceparent": given})).json()

    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", answer)
    assert "4bf92f" not in answer


@pytest.mark.parametrize("path", ["/v1/things/1", "/nowhere", "/v1/boom", "/health"])
async def test_every_answer_has_the_security_headers(http, path):
    headers = (await http.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


async def test_transport_security_is_asked_for_in_production(make_kit):
    async with client(make_kit(environment="production")) as http:
        answer = await http.get("/health")

    assert answer.headers["strict-transport-security"] == "max-age=63072000"


async def test_a_header_the_application_sets_is_not_doubled(make_kit):
    app = FastAPI()

    @app.get("/cached")
    async def cached() -> Response:
        return Response(headers={"Cache-Control": "max-age=60", "X-Request-ID": "forged"})

    async with client(make_kit(app)) as http:
        headers = (await http.get("/cached", headers={"X-Request-ID": "mine"})).headers

    assert headers.get_list("cache-control") == ["max-age=60"]
    assert headers.get_list("x-request-id") == ["mine"]
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/v1/things/7", 200, "/v1/things/{thing}"),
        ("GET", "/v1/things/404", 404, "/v1/things/{thing}"),
        ("GET", "/v1/things/seven", 422, "/v1/things/{thing}"),
        ("DELETE", "/v1/things/7", 405, "/v1/things/{thing}"),
        ("HEAD", "/v1/things/7", 405, "/v1/things/{thing}"),
        ("GET", "/v1/boom", 500, "/v1/boom"),
        ("GET", "/nowhere/7", 404, "unmatched"),
        ("GET", "/tenants/acme/items/7", 200, "/tenants/{tenant}/items/{item}"),
        ("GET", "/tenants/acme/nothing", 404, "/tenants/{tenant}"),
        ("GET", "/openapi.json", 200, "/openapi.json"),
        ("HEAD", "/health", 200, "/health"),
        ("POST", "/readyz", 405, "/readyz"),
    ],
)
async def test_a_request_is_counted_under_the_template_of_its_route(
    http, method, path, status, route
):
    answer = await http.request(method, path)

    labels = f'{{method="{method}",route="{route}",status="{status}"}}'
    counted = await numbers(http)
    assert answer.status_code == status
    assert counted[f"http_requests_total{labels}"] == 1
    assert counted[f"http_request_duration_seconds_count{labels}"] == 1


async def test_a_forced_failure_raises_the_count_of_errors(http):
    before = await numbers(http)
    await http.get("/v1/boom")
    await http.get("/v1/boom")
    await http.get("/v1/things/404")

    after = await numbers(http)
    assert not [name for name in before if name.startswith("errors_total")]
    assert {name: value for name, value in after.items() if name.startswith("errors_total")} == {
        'errors_total{route="/v1/boom",status="500"}': 2
    }


async def test_a_route_is_not_counted_under_whatever_a_client_makes_up(http):
    for number in range(50):
        await http.request("GET", f"/made-up/{number}")
        await http.request(f"VERB{number}", "/v1/things/1")
        await http.get(f"/tenants/{number}/items/1")

    series = [name for name in await numbers(http) if name.startswith("http_requests_total")]
    assert sorted(series) == [
        'http_requests_total{method="GET",route="/tenants/{tenant}/items/{item}",status="200"}',
        'http_requests_total{method="GET",route="unmatched",status="404"}',
        'http_requests_total{method="other",route="/v1/things/{thing}",status="405"}',
    ]


async def test_requests_at_hand_are_shown_while_they_last(http):
    hanging = asyncio.create_task(http.get("/v1/hang"))
    await two_at_hand(http)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)

    # The one left is the question itself.
    assert (await numbers(http))["http_requests_in_flight"] == 1


async def test_a_client_that_left_is_counted_as_such(http):
    hanging = asyncio.create_task(http.get("/v1/hang"))
    await two_at_hand(http)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)

    labels = '{method="GET",route="/v1/hang",status="499"}'
    assert (await numbers(http))[f"http_requests_total{labels}"] == 1


async def test_a_request_ends_at_the_deadline_its_client_set(http):
    answer = await http.get("/v1/hang", headers={"X-Request-Timeout-Ms": "20"})

    assert answer.status_code == 504
    assert answer.json()["code"] == "deadline_exceeded"
    assert answer.json()["retryable"] is True


async def test_a_request_ends_at_the_deadline_of_the_settings(make_kit):
    async with client(make_kit(request_timeout_seconds=0.02)) as http:
        answer = await http.get("/v1/hang", headers={"X-Request-Timeout-Ms": "60000"})

    assert answer.status_code == 504


@pytest.mark.parametrize("given", ["", "soon", "-5", "1e9", "9" * 30, "٣"])
async def test_a_deadline_that_is_no_number_is_passed_over(http, given):
    headers = {"X-Request-Timeout-Ms": given.encode()}

    assert (await http.get("/v1/things/1", headers=headers)).status_code == 200


async def test_an_answer_that_has_begun_outlives_its_deadline(make_kit):
    async with client(make_kit(request_timeout_seconds=0.05)) as http:
        answer = await http.get("/v1/slow-stream")

    assert answer.text == "first last"


async def test_cancelling_from_outside_is_not_taken_for_a_deadline(http):
    task = asyncio.create_task(http.get("/v1/hang"))
    await two_at_hand(http)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_only_failures_and_slow_requests_are_logged(http, caplog):
    caplog.set_level(logging.INFO, logger="services")
    await http.get("/v1/things/1")
    await http.get("/v1/things/404")
    await http.get("/v1/teapot")

    assert [
        (record.message, record.route, record.status)
        for record in caplog.records
        if record.name.startswith("services")
    ] == [("failed", "/v1/teapot", 503)]


async def test_a_slow_request_is_logged(make_kit, caplog):
    async with client(make_kit(slow_request_seconds=1e-9)) as http:
        await http.get("/v1/things/1")

    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "slow")
    ]


async def test_every_request_is_logged_for_debugging(make_kit, caplog):
    caplog.set_level(logging.DEBUG, logger="services.kit.asgi")
    async with client(make_kit()) as http:
        await http.get("/v1/things/1")

    assert [record.message for record in caplog.records] == ["answered"]


async def test_a_bug_is_logged_once_with_its_traceback(http, caplog):
    await http.get("/v1/boom")

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "hunter2" in str(caplog.records[0].exc_info[1])


async def test_middleware_that_an_application_adds_still_runs():
    app = FastAPI()
    app.add_middleware(GZipMiddleware, minimum_size=10)

    @app.get("/long")
    async def long() -> str:
        return "x" * 100

    async with client(Kit(app, name="toy", settings=ServiceSettings())) as http:
        answer = await http.get("/long", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"


async def test_resources_are_entered_in_order_and_left_in_reverse():
    steps = []

    def resource(name):
        @asynccontextmanager
        async def run():
            steps.append(f"enter {name}")
            yield
            steps.append(f"leave {name}")

        return run

    app = FastAPI(lifespan=lambda app: resource("app")())
    resources = [resource("database"), resource("loop")()]
    kit = Kit(app, name="toy", settings=ServiceSettings(), resources=resources)
    async with client(kit):
        steps.append("serve")

    assert steps == [
        "enter database",
        "enter loop",
        "enter app",
        "serve",
        "leave app",
        "leave loop",
        "leave database",
    ]


async def test_a_resource_that_does_not_start_stops_the_start_and_is_named(caplog):
    left = []

    @asynccontextmanager
    async def first():
        try:
            yield
        finally:
            left.append("first")

    @asynccontextmanager
    async def second():
        raise ValueError("no such place")
        yield

    kit = Kit(FastAPI(), name="toy", settings=ServiceSettings(), resources=[first, second])
    with pytest.raises(ValueError, match="no such place"):
        async with client(kit):
            pass

    assert left == ["first"]
    assert [record.message for record in caplog.records] == [
        "toy did not start: ValueError('no such place')"
    ]
