"""Which pages of other origins may read our answers: those on a list (Fetch standard, CORS)."""

from collections.abc import Collection

from starlette.responses import Response

Headers = list[tuple[bytes, bytes]]

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = (
    b"Authorization, Content-Type, Last-Event-ID, X-Request-ID, X-Request-Timeout-Ms, traceparent"
)
_EXPOSED = b"X-Request-ID, Retry-After, Location, RateLimit, RateLimit-Policy"
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", _METHODS),
    (b"access-control-allow-headers", _REQUEST_HEADERS),
    (b"access-control-max-age", b"600"),
]


class AllowList:
    """The headers for each allowed origin, made once."""

    def __init__(self, origins: Collection[str]) -> None:
        self._answers = {origin.encode(): _answer(origin.encode()) for origin in origins}
        # Tells caches that the answer to one origin is not for another.
        self.always: Headers = [(b"vary", b"Origin")] if origins else []

    def headers(self, origin: bytes) -> Headers:
        """Return what to add to an answer to `origin`: nothing when it is not on the list."""
        return self._answers.get(origin, [])

    def preflight(self, origin: bytes) -> Response | None:
        """Return the answer to a preflight, or None when `origin` is not on the list."""
        if origin not in self._answers:
            return None
        response = Response(status_code=204)
        response.raw_headers += _PREFLIGHT
        return response


def _answer(origin: bytes) -> Headers:
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
    ]
