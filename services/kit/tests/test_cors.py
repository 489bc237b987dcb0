"""A page may read our answers when its origin is on the list, and only then."""

import pytest

from services.kit.testing import client

OURS = "https://console.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST"}


@pytest.fixture
async def listed(make_kit):
    async with client(make_kit(cors_origins=f"{OURS}, http://localhost:3000/")) as http:
        yield http


def cors_headers(answer):
    return {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ["/v1/things/1", "/nowhere", "/v1/boom"])
async def test_an_origin_on_the_list_may_read_the_answer(listed, path):
    answer = await listed.get(path, headers={"Origin": OURS})

    assert answer.headers["access-control-allow-origin"] == OURS
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", f"{OURS}.evil.example", "null", ""])
async def test_a_foreign_origin_gets_no_cors_header(listed, origin):
    answer = await listed.get("/v1/things/1", headers={"Origin": origin})
    preflight = await listed.options("/v1/things", headers={"Origin": origin, **PREFLIGHT})

    assert cors_headers(answer) == cors_headers(preflight) == set()
    assert answer.headers["vary"] == preflight.headers["vary"] == "Origin"


async def test_nobody_may_when_there_is_no_list(http):
    answer = await http.get("/v1/things/1", headers={"Origin": OURS})

    assert cors_headers(answer) == set()
    assert "vary" not in answer.headers


async def test_a_preflight_is_answered(listed):
    headers = {"Origin": "http://localhost:3000", **PREFLIGHT}
    answer = await listed.options("/v1/things", headers=headers)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-max-age"] == "600"


async def test_options_without_a_preflight_is_an_ordinary_request(listed):
    answer = await listed.options("/v1/things", headers={"Origin": OURS})

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
