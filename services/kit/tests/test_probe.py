"""The health check of an image: one question, one exit code."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from services.kit.probe import main


@pytest.fixture
def service(monkeypatch):
    """Run a service that answers `/<status>` with that status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503 if self.path == "/readyz" else int(self.path[1:]))
            self.end_headers()
            self.wfile.write(b"why")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("PORT", str(server.server_port))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_good_answer_is_0(service, capsys):
    assert main(["/200"]) == 0
    assert capsys.readouterr().err == ""


def test_a_bad_answer_is_1_and_is_shown(service, capsys):
    assert main([]) == 1
    assert capsys.readouterr().err == (
        f"error: /readyz on port {service.server_port} answered 503: why\n"
    )


@pytest.mark.parametrize("port", ["1", "none", "99999999"])
def test_nobody_there_is_1(monkeypatch, capsys, port):
    monkeypatch.setenv("PORT", port)

    assert main([]) == 1
    assert capsys.readouterr().err.startswith(f"error: /readyz on port {port}: ")
