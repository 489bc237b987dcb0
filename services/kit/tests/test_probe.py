"""The health check of an image: one question, one exit code."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread, Timer

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


def test_a_service_that_starts_meanwhile_is_waited_for(service, monkeypatch):
    port = service.server_port
    service.shutdown()
    service.server_close()

    def start():
        late = HTTPServer(("127.0.0.1", port), service.RequestHandlerClass)
        late.handle_request()
        late.server_close()

    starting = Timer(0.1, start)
    starting.start()
    assert main(["/200", "10"]) == 0
    starting.join()


def test_nobody_there_in_time_is_1(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "1")

    assert main(["/readyz", "0.05"]) == 1
    assert "Connection refused" in capsys.readouterr().err
