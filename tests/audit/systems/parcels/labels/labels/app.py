"""The label that is stuck on a parcel."""

import structlog
from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from labels.metrics import PRINTED, REFUSED

log = structlog.get_logger()
app = Flask(__name__)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


@app.get("/labels/<number>")
def label(number: str) -> Response:
    if not number.isalnum():
        REFUSED.inc()
        return Response("no such number", status=404)
    PRINTED.inc()
    log.info("printed", number=number)
    return Response(f"PARCEL {number}\n", content_type="text/plain")
