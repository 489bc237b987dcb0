"""An engine that only says how old it is, and no other that is found by chance."""

from __future__ import annotations

import gc
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture
def serve() -> Iterator[Callable[[str], str]]:
    """Answer as an engine of this API version would, and say nothing when asked for containers.

    It has no image. Returns its address.
    """
    servers: list[HTTPServer] = []
    ends = threading.Event()

    def start(api: str) -> str:
        class Engine(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if "/containers/" in self.path:
                    ends.wait()
                    return
                said = {"ApiVersion": api, "Version": "26.1.5", "message": "No such image: none"}
                body = json.dumps(said).encode()
                self.send_response(404 if "/images/" in self.path else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"tcp://127.0.0.1:{server.server_port}"

    yield start
    ends.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    yield
    with warnings.catch_warnings():  # the library forgets a socket that it could not connect
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
