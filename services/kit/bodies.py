"""What of a request's body is refused before anybody sees it: too much, and what is not text."""

import json
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from re import compile as pattern
from typing import Any

from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope

from services.kit.problems import Code, Problem

# Python reads the first two although they are not JSON (RFC 8259 section 6); a NUL and half a
# surrogate pair are, but fit into no text of PostgreSQL; what is beyond 1e308 becomes infinite.
_SUSPICIOUS = pattern(rb"NaN|Infinity|\\u0000|\\u[dD][89a-fA-F]|[eE]\+?0*[0-9]{3}")
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_VERY_LONG = b"0" * 309
_UNSTORABLE = pattern("[\0\ud800-\udfff]")
# More would help nobody, and a batch of a thousand bad items would make a large answer.
MOST_FAULTS = 20
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


def guarded(scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> Receive:
    """Return `receive` that raises `Problem` payload_too_large, malformed_body, validation_failed.

    `headers` are the request's; the size counts as it arrives when it was not declared. JSON for a
    FastAPI route, which reads it whole anyway, is looked through before; other bodies stream.
    """
    length = headers.get(b"content-length")
    if length is None:
        if scope["method"] in _BODILESS and b"transfer-encoding" not in headers:
            return receive
    elif length == b"0":
        return receive
    declared = _declared(length)
    size = 0
    is_json = b"json" in headers.get(b"content-type", b"").lower()

    async def counted() -> Message:
        nonlocal size
        if declared > limit:
            raise _too_large(limit)
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    async def inspected() -> Message:
        message = await counted()
        # The router has noted its choice by the time that anybody reads.
        if message["type"] != "http.request" or not isinstance(scope.get("route"), APIRoute):
            return message
        chunks = [message.get("body", b"")]
        while message.get("more_body"):
            message = await counted()
            if message["type"] != "http.request":
                return message
            chunks.append(message.get("body", b""))
        body = b"".join(chunks)
        if _is_suspicious(body):
            _refuse_unfit(body)
        return {"type": "http.request", "body": body, "more_body": False}

    return inspected if is_json else counted


def _declared(length: bytes | None) -> float:
    """Return the size the client announces: endless when what it sent cannot be one."""
    if length is None:
        return 0
    return int(length) if length.isdigit() and len(length) < 16 else math.inf


def _too_large(limit: int) -> Problem:
    # The connection stays open and the server throws the rest away: a client that is still sending
    # would otherwise be cut off before it can read why.
    return Problem(Code.PAYLOAD_TOO_LARGE, f"the limit is {limit} bytes")


def _is_suspicious(body: bytes) -> bool:
    """Tell cheaply whether the body may hold something unfit; seldom right, never wrong."""
    return bool(_SUSPICIOUS.search(body)) or _VERY_LONG in body.translate(_ZEROS)


def _refuse_unfit(body: bytes) -> None:
    """Raise `Problem` when the JSON has a number or a text that nobody could store."""
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
        faults = [
            {"in": "body", "pointer": pointer, "message": message}
            for pointer, message in islice(_unfit(document, ""), MOST_FAULTS)
        ]
    except (ValueError, RecursionError):
        # Not JSON at all: whoever parses it next says so.
        return
    if faults:
        detail = "the request holds what cannot be stored"
        raise Problem(Code.VALIDATION_FAILED, detail, errors=faults)


def _refuse_constant(name: str) -> None:
    raise Problem(Code.MALFORMED_BODY, f"the body is not valid JSON: {name} is no number")


def _unfit(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield where in a document (RFC 6901) something cannot be stored, and why."""
    match value:
        case str() if _UNSTORABLE.search(value):
            yield pointer, "String should have no NUL and no unpaired surrogate"
        case float() if math.isinf(value):
            yield pointer, "Input should be a finite number"
        case list():
            for index, item in enumerate(value):
                yield from _unfit(item, f"{pointer}/{index}")
        case dict():
            for name, item in value.items():
                yield from _unfit(name, pointer)
                yield from _unfit(item, f"{pointer}/{escape(name)}")


def escape(segment: str) -> str:
    """Return a member's name as a part of a JSON pointer, shortened to what a person can read."""
    return segment[:64].replace("~", "~0").replace("/", "~1")
