"""Spans are sent when there is somewhere to send them, and cost nothing otherwise."""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import asyncio, sys
from services.kit import telemetry
telemetry.prepare("fusion")
from fastapi import FastAPI
from services.kit.asgi import Kit
from services.kit.context import current
from services.kit.settings import ServiceSettings
from services.kit.testing import client

async def main():
    app = FastAPI()

    @app.get("/trace")
    async def trace() -> str:
        return current.get().traceparent()

    async with client(Kit(app, name="fusion", settings=ServiceSettings())) as http:
        given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        print((await http.get("/trace", headers={"traceparent": given})).json())
        await http.get("/health")
        print("opentelemetry.sdk" in sys.modules)

asyncio.run(main())
"""


@pytest.fixture
def collector():
    """Run an OTLP collector that keeps what it gets, by path."""
    received: dict[str, bytes] = {}

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received[self.path] = received.get(self.path, b"") + body
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receive)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def run(**environment):
    outcome = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.stderr == ""
    return outcome.stdout.splitlines()


def test_it_is_off_until_an_endpoint_is_set():
    traceparent, is_imported = run()

    assert traceparent.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert is_imported == "False"


def test_spans_are_sent_to_the_endpoint_and_continue_the_trace(collector):
    endpoint, received = collector
    traceparent, is_imported = run(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)

    span_id = traceparent.split("-")[2]
    assert traceparent.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert is_imported == "True"
    assert b"GET /trace" in received["/v1/traces"]
    assert b"fusion" in received["/v1/traces"]
    assert b"/health" not in received["/v1/traces"]
    assert bytes.fromhex("4bf92f3577b34da6a3ce929d0e0e4736") in received["/v1/traces"]
    assert bytes.fromhex(span_id) in received["/v1/traces"]
