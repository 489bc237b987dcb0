"""Finding an engine: where it is, whether it answers, whether it is young enough."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from pipelines.containers import EngineDown, EngineOld, connect
from pipelines.containers.client import MINIMUM_API
from pipelines.errors import ConfigError


def error() -> str:
    with pytest.raises(EngineDown) as caught, connect():
        pass
    assert caught.value.exit_code == 5
    return str(caught.value)


def test_no_engine_at_a_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    assert error() == (
        f"no container engine answers at unix://{tmp_path}/none.sock: no such file or directory;"
        " start it, or `./inv engine.start`"
    )


def test_no_engine_at_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")

    assert error().startswith(f"no container engine answers at tcp://127.0.0.1:{port}: connection")


def test_an_address_of_no_known_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "carrier://pigeon")

    assert error().startswith("no container engine answers at carrier://pigeon: ")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://127.0.0.1:port", "tcp://"])
def test_an_engine_that_is_somewhere_else_is_not_started_here(address: str) -> None:
    with pytest.raises(EngineDown) as caught, connect(host=address):
        pass

    assert caught.value.message.startswith(f"no container engine answers at {address}: ")
    assert caught.value.hint == "start it there, or name another `host`"


def test_a_folder_without_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="DOCKER_CERT_PATH leads to no certificate"), connect():
        pass


def test_an_engine_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", address)

        with pytest.raises(EngineDown) as caught, connect(timeout=1):
            pass

    assert caught.value.message == (
        f"no container engine answers at {address}: it said nothing for 1 s"
    )


def test_an_engine_that_falls_silent(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[str], str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", serve(MINIMUM_API))

    with pytest.raises(EngineDown, match="it said nothing for 1 s"), connect(timeout=1) as client:
        client.containers.list()


def test_what_an_engine_refuses_is_for_the_caller(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[str], str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", serve(MINIMUM_API))

    with pytest.raises(ImageNotFound, match="No such image"), connect() as client:
        client.images.get("none")


def test_an_engine_that_is_too_old(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[str], str]
) -> None:
    address = serve("1.43")
    monkeypatch.setenv("DOCKER_HOST", address)

    with pytest.raises(EngineOld) as caught, connect():
        pass

    assert str(caught.value) == (
        f"the container engine at {address} speaks API 1.43, and {MINIMUM_API} is needed;"
        " upgrade it to Engine 25 or newer"
    )
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("api", [MINIMUM_API, "1.100"])
def test_an_engine_that_is_young_enough(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[str], str], api: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", serve(api))

    with connect() as client:
        assert client.api.api_version == api


def test_the_current_context_says_where(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[str], str], tmp_path: Path
) -> None:
    _context(tmp_path, "elsewhere", serve("1.44"))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "elsewhere"}))
    with connect() as client:
        assert client.api.api_version == "1.44"

    monkeypatch.setenv("DOCKER_HOST", serve("1.45"))  # the variable wins
    with connect() as client:
        assert client.api.api_version == "1.45"


def test_a_context_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "mars")

    with (
        pytest.raises(ConfigError, match="no docker context mars; see `docker context ls`"),
        connect(),
    ):
        pass


def _context(config: Path, name: str, host: str) -> None:
    folder = config / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": False}}
    meta = {"Name": name, "Metadata": {}, "Endpoints": endpoints}
    (folder / "meta.json").write_text(json.dumps(meta))
