"""Stand-ins where the engine does not do as it is told."""

from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipelines.containers import connect
from pipelines.errors import SummitError
from pipelines.images import bases, rootfs

Serve = Callable[[int, str], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Answer as an engine that has every stand-in, and this to whatever is to change something."""
    servers: list[HTTPServer] = []

    def start(code: int, said: str) -> None:
        class Engine(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                has = {"Id": "sha256:1", "Config": {"Labels": {bases.RECIPE: "its"}}}
                self._answer(200, json.dumps({"ApiVersion": "1.45", **has}))

            def do_DELETE(self) -> None:
                self._answer(code, said)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(code, said)

            def _answer(self, code: int, said: str) -> None:
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, *_words: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Engine)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        return Path(str(tar.name))


def test_a_base_in_use_is_one_line(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {it: {image: python}}")
    serve(409, '{"message": "conflict: image is being used by running container 1"}')

    with pytest.raises(SummitError) as caught:
        bases.remove(tmp_path, only=["python"])

    assert str(caught.value) == (
        "summit-base/python:3.13-trixie was not removed: a container runs on it;"
        " `inv down` stops the stack; `docker ps` shows who else uses it"
    )
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("code", "said", "error"),
    [
        (500, '{"message": "write /x: no space left on device"}', "no space is left on the engine"),
        (200, '{"status": "1"}\n{"error": "no space left on device"}\n', "no space is left on the"),
        (200, '{"errorDetail": {"message": "so"}, "error": "so"}\n', "so"),
    ],
)
def test_a_root_file_system_that_was_not_taken_is_one_line(
    serve: Serve, archive: Path, code: int, said: str, error: str
) -> None:
    serve(code, said)

    with connect() as client, pytest.raises(SummitError) as caught:
        rootfs.load(client, archive, "it:1", labels={})

    assert str(caught.value).startswith(f"it:1 was not built: {error}")


def test_a_root_file_system_that_was_taken_is_not_spoken_of(serve: Serve, archive: Path) -> None:
    serve(200, '{"status": "sha256:1"}\n')

    with connect() as client:
        rootfs.load(client, archive, "it:1", labels={})
