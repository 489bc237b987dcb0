"""What is known of the request at hand: its ids and its deadline, for logs and calls to peers."""

from contextvars import ContextVar
from random import getrandbits
from re import compile as pattern
from time import monotonic

from opentelemetry import trace

# W3C Trace Context, level 2: version 00, neither id may be all zeros.
_TRACEPARENT = pattern(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


class RequestContext:
    """One request; `deadline` is absolute, on the monotonic clock."""

    __slots__ = (
        "deadline",
        "flags",
        "is_answered",
        "is_late",
        "is_patient",
        "request_id",
        "trace_id",
    )

    def __init__(self, request_id: str | None, traceparent: str | None, deadline: float) -> None:
        parent = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
        if parent:
            self.trace_id, self.flags = parent.groups()
        else:
            self.trace_id, self.flags = f"{getrandbits(128) | 1:032x}", "00"
        self.request_id = request_id or self.trace_id
        self.deadline = deadline
        # Whether the head of the answer was sent, and whether the deadline came before.
        self.is_answered = False
        self.is_late = False
        # True for a request that waits by design, such as a long poll: it is never called slow.
        self.is_patient = False

    def remaining(self) -> float:
        """Return the seconds left, negative when there are none."""
        return self.deadline - monotonic()

    def traceparent(self) -> str:
        """Return the `traceparent` of a call made on behalf of this request."""
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
        return f"00-{self.trace_id}-{getrandbits(64) | 1:016x}-{self.flags}"


current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)
