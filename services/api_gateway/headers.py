"""Which headers pass the gateway in either direction, and which it writes itself."""

from starlette.types import Scope

from services.kit.context import RequestContext

Headers = list[tuple[bytes, bytes]]

# RFC 9110, section 7.6.1, and what was usual before it.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# A client could say anything in these; the gateway knows.
NOT_FORWARDED = HOP_BY_HOP | {
    b"expect",
    b"forwarded",
    b"host",
    b"origin",
    b"traceparent",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"x-request-id",
    b"x-request-timeout-ms",
}
# What the server and the kit of this very process put on an answer.
NOT_RETURNED = HOP_BY_HOP | {
    b"access-control-allow-origin",
    b"access-control-expose-headers",
    b"date",
    b"server",
    b"x-request-id",
}


def for_upstream(scope: Scope, context: RequestContext) -> list[tuple[str, str]]:
    """Return the headers of a request as an upstream gets it."""
    received: Headers = scope["headers"]
    dropped = NOT_FORWARDED | _named_by_connection(received)
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in received
        if name not in dropped
    ]
    client = scope.get("client")
    host = next((value for name, value in received if name == b"host"), b"")
    headers += [
        ("X-Forwarded-For", client[0] if client else "unknown"),
        ("X-Forwarded-Host", host.decode("latin-1")),
        ("X-Forwarded-Proto", scope["scheme"]),
        ("X-Request-ID", context.request_id),
        ("X-Request-Timeout-Ms", str(max(1, int(context.remaining() * 1000)))),
        ("traceparent", context.traceparent()),
    ]
    return headers


def for_client(received: tuple[tuple[bytes, bytes], ...]) -> Headers:
    """Return the headers of an upstream's answer as the client gets it."""
    lowered = [(name.lower(), value) for name, value in received]
    dropped = NOT_RETURNED | _named_by_connection(lowered)
    return [(name, value) for name, value in lowered if name not in dropped]


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    for name, value in headers:
        if name == b"connection" and value.lower() not in (b"keep-alive", b"close"):
            return frozenset(item.strip().lower() for item in value.split(b","))
    return frozenset()
