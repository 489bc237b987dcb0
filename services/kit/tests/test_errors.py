"""Whatever is wrong with a request, the answer is problem+json with the right code, and no more."""

import json

import pytest
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from services.kit.bodies import guarded
from services.kit.problems import Code, Problem, from_status
from services.kit.testing import client

JSON = {"Content-Type": "application/json"}


async def answer_to(http, body: bytes, **headers: str):
    answer = await http.post("/v1/things", content=body, headers={**JSON, **headers})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "validation_failed"),
        (b"{", 400, "malformed_body"),
        (b"\xff\xfe", 400, "malformed_body"),
        (b'{"name": "\xff"}', 400, "malformed_body"),
        (b"[" * 100_000, 400, "malformed_body"),
        (b'{"extra":' * 50_000 + b"1" + b"}" * 50_000, 400, "malformed_body"),
        (b'{"name":"a","size":' + b"9" * 5000 + b"}", 400, "malformed_body"),
        (b'{"name":"a","size":' + b"9" * 4000 + b"}", 422, "validation_failed"),
        (b'{"name":"a","size":1,"weight":' + b"9" * 4000 + b"}", 422, "validation_failed"),
        (b'{"name":"a","size":1,"weight":NaN}', 400, "malformed_body"),
        (b'{"name":"a","size":1,"weight":-Infinity}', 400, "malformed_body"),
        (b'{"name":"a","size":1,"weight":1e999}', 422, "validation_failed"),
        (b'{"name":"a","size":1,"extra":{"a":[1e999]}}', 422, "validation_failed"),
        (b'{"name":"a","size":1,"weight":' + b"9" * 400 + b".5}", 422, "validation_failed"),
        (b'{"name":"a\\u0000","size":1}', 422, "validation_failed"),
        (b'{"name":"a","size":1,"tags":["a\\u0000"]}', 422, "validation_failed"),
        (b'{"name":"a","size":1,"extra":{"\\u0000":1}}', 422, "validation_failed"),
        (b'{"name":"\\ud800","size":1}', 422, "validation_failed"),
        (b'{"name":"\\uDC00\\ud800","size":1}', 422, "validation_failed"),
        (b'{"\\ud800":1}', 422, "validation_failed"),
        (b'"text"', 422, "validation_failed"),
        (b"[]", 422, "validation_failed"),
        (b"null", 422, "validation_failed"),
        (b'{"name":"a","size":"one"}', 422, "validation_failed"),
        (b'{"name":"a","size":1,"more":1}', 422, "validation_failed"),
    ],
)
async def test_a_bad_body_is_refused_with_the_right_code(http, body, status, code):
    assert await answer_to(http, body) == (status, code)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "\U0001f525", "\\u0000", "1e999"])
async def test_a_text_that_only_looks_like_one_of_these_is_taken(http, name):
    answer = await http.post("/v1/things", json={"name": name, "size": 1})

    assert answer.status_code == 201
    assert answer.json()["name"] == name


async def test_a_bad_body_in_many_chunks_is_refused_too(http):
    async def chunks():
        for byte in b'{"name":"a\\u0000","size":1}':
            yield bytes([byte])

    answer = await http.post("/v1/things", content=chunks(), headers=JSON)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/name"


async def test_whoever_waits_for_the_client_to_leave_learns_of_it():
    messages = [
        {"type": "http.request", "body": b'{"name":', "more_body": True},
        {"type": "http.request", "body": b'"a"}', "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0)

    route = APIRoute("/things", lambda: None)
    headers = {b"content-type": b"Application/JSON", b"content-length": b"12"}
    read = guarded({"type": "http", "method": "POST", "route": route}, headers, receive, limit=12)

    assert (await read())["body"] == b'{"name":"a"}'
    assert await read() == {"type": "http.disconnect"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", ""])
async def test_a_body_that_is_not_json_is_415(http, media_type):
    body = b'{"name":"a","size":1}'

    assert await answer_to(http, body, **{"Content-Type": media_type}) == (
        415,
        "unsupported_media_type",
    )


async def test_a_body_beyond_the_limit_is_413_before_it_is_read(make_kit):
    async with client(make_kit(max_body_bytes=50)) as http:
        assert await answer_to(http, b" " * 51) == (413, "payload_too_large")


@pytest.mark.parametrize("length", ["-1", "many", "9" * 5000])
async def test_a_length_that_cannot_be_one_is_413(http, length):
    assert await answer_to(http, b"{}", **{"Content-Length": length}) == (413, "payload_too_large")


async def test_a_body_beyond_the_limit_is_413_when_its_length_is_not_declared(make_kit):
    async def chunks():
        for _ in range(6):
            yield b" " * 10

    async with client(make_kit(max_body_bytes=50)) as http:
        answer = await http.post("/v1/things", content=chunks(), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_body_at_the_limit_is_taken(make_kit):
    body = b'{"name":"a","size":1}'
    async with client(make_kit(max_body_bytes=len(body))) as http:
        assert (await http.post("/v1/things", content=body, headers=JSON)).status_code == 201


@pytest.mark.parametrize("path", ["/v1/search?text=a%00b", "/v1/things/%00", "/v1/%00?a"])
async def test_a_nul_in_the_address_is_422(http, path):
    answer = await http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_validation_errors_point_at_the_place_without_repeating_what_was_sent(http):
    body = {"name": "s3cret-" * 9, "size": 99, "extra": "s3cret", "a/b~c": "s3cret"}
    answer = await http.post("/v1/things", json=body)

    assert answer.json()["detail"] == "4 faults in the request"
    assert answer.json()["errors"] == [
        {
            "in": "body",
            "pointer": "/name",
            "message": "String should have at most 20 characters",
        },
        {
            "in": "body",
            "pointer": "/size",
            "message": "Input should be less than or equal to 10",
        },
        {"in": "body", "pointer": "/extra", "message": "Input should be a valid dictionary"},
        {"in": "body", "pointer": "/a~1b~0c", "message": "Extra inputs are not permitted"},
    ]
    assert "s3cret" not in answer.text


async def test_a_parameter_is_named(http):
    answer = await http.get("/v1/search")

    assert answer.json()["errors"] == [
        {"in": "query", "parameter": "text", "message": "Field required"}
    ]


async def test_a_thousand_faults_make_no_large_answer(http):
    body = {"name": "a", "size": 1, "tags": [1] * 1000}
    answer = await http.post("/v1/things", json=body)

    assert answer.json()["detail"] == "1000 faults in the request"
    assert len(answer.json()["errors"]) == 20


async def test_an_unknown_path_is_404(http):
    answer = await http.get("/nowhere")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:summit:problem:not_found",
        "title": "There is no such resource",
        "status": 404,
        "detail": "There is no such resource",
        "code": "not_found",
        "retryable": False,
        "instance": f"urn:summit:request:{answer.headers['x-request-id']}",
    }


async def test_a_wrong_method_is_405_and_names_all_that_are_right(http):
    answer = await http.delete("/v1/things/1")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, PUT"


async def test_a_bug_is_500_and_tells_nothing(http):
    answer = await http.get("/v1/boom")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text


async def test_an_exception_of_the_framework_becomes_a_code_and_keeps_its_headers(http):
    answer = await http.get("/v1/teapot")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "7"


async def test_what_is_too_much_for_now_says_when_to_come_again(http):
    answer = await http.get("/v1/busy")

    assert (answer.status_code, answer.json()["retryable"]) == (429, True)
    assert answer.headers["retry-after"] == "3"


def test_unavailable_says_when_to_come_again():
    assert Problem(Code.UNAVAILABLE, "").headers == {"Retry-After": "1"}


@pytest.mark.parametrize("code", [Code.UNAUTHENTICATED, Code.TOKEN_EXPIRED])
def test_who_is_not_known_is_told_the_scheme(code):
    assert Problem(code, "").headers == {"WWW-Authenticate": "Bearer"}


def test_members_of_its_own_are_added_to_the_document():
    problem = Problem(Code.CONFLICT, "there is one", other="17")

    assert json.loads(problem.body()) == {
        "type": "urn:summit:problem:conflict",
        "title": "Conflicts with what is stored",
        "status": 409,
        "detail": "there is one",
        "code": "conflict",
        "retryable": False,
        "other": "17",
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Code.MALFORMED_BODY),
        (401, Code.UNAUTHENTICATED),
        (409, Code.CONFLICT),
        (418, Code.VALIDATION_FAILED),
        (502, Code.UPSTREAM_FAILED),
        (507, Code.INTERNAL),
    ],
)
def test_a_bare_status_gets_its_most_general_code(status, code):
    assert from_status(HTTPException(status)).code is code
