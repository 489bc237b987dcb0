"""OpenTelemetry by FastAPI's own hooks: off, and its SDK not imported, until an endpoint is set."""

import os

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def is_on() -> bool:
    """Tell whether spans and metrics are to be sent to a collector."""
    return bool(os.environ.get(ENDPOINT))


def prepare(service: str) -> None:
    """Have the next `FastAPI` of this process export as `service` once it starts, if it is on."""
    if is_on():
        os.environ["FASTAPI_OTEL_AUTO_CONFIGURE"] = "true"
        os.environ.setdefault("OTEL_SERVICE_NAME", service)
