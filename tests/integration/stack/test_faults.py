"""What a person is told when something else changes the stack, or its engine ends."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.containers.client import endpoint
from tests import unmeasured
from tests.integration.stack.conftest import DockerProject
from tests.stack.behaviour import described

Until = Callable[[Callable[[], object]], None]


class Line:
    """A line to the engine that can be cut, after which nobody can tell it from one that ended."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self._engine = str(endpoint()["base_url"]).partition("://")[2]
        self._server = socket.create_server(str(path), family=socket.AF_UNIX)
        self._ends: list[socket.socket] = [self._server]
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it was cut
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                self._ends += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while said := source.recv(1 << 16):
            target.sendall(said)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def line() -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="line-") as folder:  # a socket's path has to be short
        made = Line(Path(folder, "engine.sock"))
        yield made
        made.cut()


@pytest.fixture
def sick(project: DockerProject) -> DockerProject:
    """A project whose first service never gets healthy, so that `up` waits."""
    return described(project, more=", SICK: please")


@contextlib.contextmanager
def typed(project: DockerProject, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on meanwhile."""
    environment = {**project.environment, **variables}
    with subprocess.Popen(
        project.command(*words),
        cwd=project.root,
        env=unmeasured.environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            yield command
        finally:
            command.kill()


def test_down_during_up_is_said_by_up(sick: DockerProject, until: Until) -> None:
    with typed(sick, "up", "--wait-timeout", "1000") as waiting:
        until(lambda: sick.status("near").answer)
        assert sick.inv("down").returncode == 0
        _, told = waiting.communicate(timeout=60)

    assert waiting.returncode == 1
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith("error: not healthy: near (and 1 that wait")


def test_an_engine_that_ends_during_up_is_said(
    sick: DockerProject, line: Line, until: Until
) -> None:
    with typed(sick, "up", "--wait-timeout", "1000", DOCKER_HOST=line.address) as waiting:
        until(lambda: sick.status("near").answer)
        line.cut()
        _, told = waiting.communicate(timeout=60)

    assert waiting.returncode == 5
    assert "Traceback" not in told
    assert told.splitlines()[-1] == (
        f"error: no container engine answers at {line.address}: it has ended;"
        " start it, or `./inv engine.start`"
    )


def test_following_logs_ends_with_the_engine(project: DockerProject, line: Line) -> None:
    described(project)
    assert project.inv("up", "--only", "near").returncode == 0
    with typed(project, "logs", "--follow", DOCKER_HOST=line.address) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "near | listening\n"
        line.cut()
        _, told = following.communicate(timeout=60)

    assert "Traceback" not in told
