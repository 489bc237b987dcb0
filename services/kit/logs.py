"""Logs as lines of JSON, with the request they belong to and without anybody's secrets."""

import logging
import sys
from re import IGNORECASE, compile as pattern
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from services.kit.context import current

REDACTED = "[redacted]"
_SECRET_NAME = pattern(
    r"authorization|cookie|passw|secret|token|credential|api[-_]?key|private[-_]?key", IGNORECASE
)
_SECRET_TEXTS = (
    # Authorization headers, wherever they are quoted.
    (pattern(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", IGNORECASE), rf"\1 {REDACTED}"),
    # JSON Web Tokens.
    (pattern(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),
    # postgresql://user:password@host
    (pattern(r"(\w://[^\s:/@]+):[^\s/@]+@"), rf"\1:{REDACTED}@"),
    # password=..., "client_secret": "..."
    (
        pattern(
            r"((?:[\w-]*(?:passw(?:or)?d|secret|token|api[-_]?key))[\"']?\s*[=:]\s*)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&)}\]]+)",
            IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
    (
        pattern(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", 16),
        REDACTED,
    ),
)


def redact(value: Any) -> Any:
    """Return `value` with whatever looks like a secret replaced, in texts, lists and dicts."""
    match value:
        case str():
            for secret, replacement in _SECRET_TEXTS:
                value = secret.sub(replacement, value)
            return value
        case dict():
            return {
                key: REDACTED if _SECRET_NAME.search(str(key)) else redact(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [redact(item) for item in value]
    return value


class Formatter(JsonFormatter):
    """One JSON object a line: time, level, logger, message, service, request and trace."""

    def __init__(self, service: str) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            static_fields={"service": service},
            timestamp="time",
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        if context := current.get():
            log_data["request_id"] = context.request_id
            log_data["trace_id"] = context.trace_id
        return {
            key: REDACTED if _SECRET_NAME.search(key) else redact(value)
            for key, value in super().process_log_record(log_data).items()
        }


def configure(service: str, level: str) -> None:
    """Send everything that is logged in this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(service))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    # Both tell of every start and every connection at INFO.
    for chatty in ("uvicorn", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # The kit has said it already, with the reason.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "startup failed" not in str(record.msg)
    )
