"""A log line is one JSON object that gives no secret away."""

import json
import logging

import pytest

from services.kit.context import RequestContext, current
from services.kit.logs import Formatter, redact


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.makeLogRecord(
        {
            "name": "a.b",
            "levelno": 30,
            "levelname": "WARNING",
            "msg": message,
            "args": args,
            **extra,
        }
    )
    text = Formatter("fusion").format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_has_what_one_searches_for():
    found = line("lost %d", 3, route="/v1/things", status=503)

    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "WARNING",
        "logger": "a.b",
        "message": "lost 3",
        "service": "fusion",
        "route": "/v1/things",
        "status": 503,
    }


def test_a_line_knows_its_request():
    context = RequestContext("order-17", f"00-{'a' * 32}-{'b' * 16}-01", deadline=0)
    token = current.set(context)
    try:
        found = line("hello")
    finally:
        current.reset(token)

    assert (found["request_id"], found["trace_id"]) == ("order-17", "a" * 32)


def test_an_exception_stays_on_its_line_and_is_redacted():
    try:
        raise ValueError("Authorization: Bearer abc.def")
    except ValueError as error:
        found = line("failed", exc_info=(ValueError, error, error.__traceback__))

    assert "ValueError: Authorization: Bearer [redacted]" in found["exc_info"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
        ("authorization: basic dXNlcjpwdw==", "authorization: basic [redacted]"),
        ("got eyJhbGciOi.eyJzdWIi.c2ln back", "got [redacted] back"),
        (
            "postgresql://fusion:hunter2@db:5432/summit",
            "postgresql://fusion:[redacted]@db:5432/summit",
        ),
        ("password=hunter2&x=1", "password=[redacted]&x=1"),
        ('{"client_secret": "hunter2", "a": 1}', '{"client_secret": [redacted], "a": 1}'),
        ("refresh_token: hunter2", "refresh_token: [redacted]"),
        ("api-key='hun ter2'", "api-key=[redacted]"),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----",
            "[redacted]",
        ),
        ("nothing to hide, 3 tokens left", "nothing to hide, 3 tokens left"),
    ],
)
def test_secrets_in_a_text_are_redacted(text, expected):
    assert redact(text) == expected


def test_secrets_in_fields_are_redacted_however_deep():
    found = line("hello", headers={"Authorization": "x", "Accept": "y"}, jobs=[{"password": "x"}])

    assert found["headers"] == {"Authorization": "[redacted]", "Accept": "y"}
    assert found["jobs"] == [{"password": "[redacted]"}]
