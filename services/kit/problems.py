"""What can go wrong with a request, as a closed list, and its shape on the wire (RFC 9457)."""

import json
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Self

from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.kit.context import current

MEDIA_TYPE = "application/problem+json"


class Code(Enum):
    """Every code a client can meet; a new one is a change of the public API."""

    MALFORMED_BODY = ("malformed_body", 400, "The body cannot be parsed")
    UNAUTHENTICATED = ("unauthenticated", 401, "Valid credentials are needed")
    TOKEN_EXPIRED = ("token_expired", 401, "The token has expired")
    FORBIDDEN = ("forbidden", 403, "Not allowed with these credentials")
    NOT_FOUND = ("not_found", 404, "There is no such resource")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "The method is not allowed here")
    CONFLICT = ("conflict", 409, "Conflicts with what is stored")
    ILLEGAL_TRANSITION = ("illegal_transition", 409, "The state does not allow this")
    STALE = ("stale", 409, "Something newer is known already")
    PAYLOAD_TOO_LARGE = ("payload_too_large", 413, "The body is too large")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, "The media type is not supported")
    VALIDATION_FAILED = ("validation_failed", 422, "The request is not valid")
    RATE_LIMITED = ("rate_limited", 429, "Too many requests", True)
    INTERNAL = ("internal", 500, "Something went wrong here")
    UPSTREAM_FAILED = ("upstream_failed", 502, "A service behind this one failed", True)
    UNAVAILABLE = ("unavailable", 503, "Not available for the moment", True)
    DEADLINE_EXCEEDED = ("deadline_exceeded", 504, "Not done within the time allowed", True)

    def __init__(self, slug: str, status: int, title: str, retryable: bool = False) -> None:
        self.slug = slug
        self.status = status
        self.title = title
        # Whether the same request, sent again later, may succeed.
        self.retryable = retryable


# Where no more is known than a status, e.g. from a framework; the first code of a status wins.
_BY_STATUS = {code.status: code for code in reversed(Code)}
_WAITS = {Code.RATE_LIMITED, Code.UNAVAILABLE}


class Problem(HTTPException):
    """A failure the client is told of: `raise Problem(Code.NOT_FOUND, "no node 17")`.

    `retry_after` in seconds, for codes that tell when to retry; `extra` are members of the answer.
    It is an `HTTPException` because FastAPI makes a 400 of any other exception that is raised while
    it reads a body.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        retry_after: float = 1,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        headers = dict(headers or {})
        if code in _WAITS:
            headers.setdefault("Retry-After", str(max(1, math.ceil(retry_after))))
        elif code.status == 401:
            headers.setdefault("WWW-Authenticate", "Bearer")
        super().__init__(code.status, detail, headers)
        self.code = code
        self.extra = extra

    @classmethod
    def of_bug(cls) -> Self:
        """Return what is said of an exception nobody expected: nothing but where to look."""
        return cls(Code.INTERNAL, "this is our fault; it was logged with the id in `instance`")

    def body(self) -> bytes:
        """Return the document; ASCII only, so that not even a lone surrogate can break it."""
        document = {
            "type": f"urn:summit:problem:{self.code.slug}",
            "title": self.code.title,
            "status": self.status_code,
            "detail": self.detail,
            "code": self.code.slug,
            "retryable": self.code.retryable,
            **self.extra,
        }
        if context := current.get():
            document["instance"] = f"urn:summit:request:{context.request_id}"
        return json.dumps(document, separators=(",", ":"), default=str).encode("ascii")

    def response(self) -> Response:
        return Response(
            self.body(), self.status_code, headers=dict(self.headers or {}), media_type=MEDIA_TYPE
        )


def from_status(error: HTTPException) -> Problem:
    """Return what an exception of the framework means in our own terms."""
    if isinstance(error, Problem):
        return error
    fallback = Code.INTERNAL if error.status_code >= 500 else Code.VALIDATION_FAILED
    code = _BY_STATUS.get(error.status_code, fallback)
    return Problem(code, code.title, headers=error.headers)
