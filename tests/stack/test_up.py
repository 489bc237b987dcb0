"""`up` and its kin, on services that behave."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from collections.abc import Callable

import psutil
import pytest

from pipelines.stack import ports
from tests import unmeasured
from tests.stack.project import Project

TWO = """
    services:
      near:
        image: its-own
        command: [python, -m, service]
        environment: {PORT: "%(near)s", SAYS: near}
        expose: ["%(near)s"]
        healthcheck: {test: [CMD, "true"], interval: 1s}
        x-summit: {probe: {http: /}}
      far:
        image: its-own
        command: [python, service.py]
        environment: {PORT: "%(far)s", NEAR: "http://near:%(near)s/path"}
        expose: ["%(far)s"]
        depends_on: {near: {condition: service_healthy}}
        healthcheck: {test: [CMD, "true"], interval: 1s}
        x-summit: {probe: {http: /}}
    x-summit: {preload: [http.server]}
"""


@pytest.fixture
def two(project: Project) -> Project:
    project.write("compose.yaml", TWO % {"near": ports.any_free(), "far": ports.any_free()})
    return project


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
        return str(response.read().decode())


def test_up_returns_when_all_is_healthy_and_leaves_it_running(two: Project) -> None:
    outcome = two.inv("up")

    assert outcome.returncode == 0, outcome.stderr
    assert f"http://127.0.0.1:{two.port('near')}" in outcome.stdout
    assert read(two.port("near")) == "near"
    assert read(two.port("far")) == "fine"


def test_a_python_module_is_forked_and_a_script_is_started_afresh(two: Project) -> None:
    two.inv("up")

    near, far = psutil.Process(two.pid("near")), psutil.Process(two.pid("far"))
    assert "interpreter.py" in " ".join(near.cmdline())
    assert "service.py" in far.cmdline()[-1]


def test_a_neighbours_address_is_the_local_one(two: Project) -> None:
    two.inv("up")

    environment = psutil.Process(two.pid("far")).environ()
    assert environment["NEAR"] == f"http://127.0.0.1:{two.port('near')}/path"


def test_only_starts_a_service_and_what_it_needs(two: Project) -> None:
    assert two.inv("up", "--only", "near").returncode == 0
    assert [status["name"] for status in two.snapshot()] == ["near"]

    assert two.inv("up", "--only", "far").returncode == 0
    assert {status["name"] for status in two.snapshot()} == {"near", "far"}


def test_restart_runs_the_code_as_it_is_now(two: Project) -> None:
    two.inv("up")
    service = two.root / "service.py"
    service.write_text(service.read_text().replace('"SAYS", "fine"', '"OTHER", "new code"'))

    assert two.inv("restart", "--only", "near").returncode == 0
    assert read(two.port("near")) == "new code"


def test_a_changed_preloaded_module_is_imported_anew(two: Project) -> None:
    two.write("words.py", "HELLO = 'old'\n")
    two.write("service.py", "import words, os\nos.environ['SAYS'] = words.HELLO\n" + _service(two))
    compose = two.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("[http.server]", "[http.server, words]"))
    two.inv("up", "--only", "near")
    assert read(two.port("near")) == "old"

    # Of another size: Python tells bytecode of the same second from its source by nothing else.
    two.write("words.py", "HELLO = 'newer'\n")
    two.inv("restart", "--only", "near")
    assert read(two.port("near")) == "newer"


def _service(project: Project) -> str:
    return (project.root / "service.py").read_text()


def test_down_leaves_no_process(two: Project) -> None:
    two.inv("up")
    assert len(two.processes()) >= 3

    assert two.inv("down").returncode == 0
    assert two.processes() == []
    assert two.inv("ps").stdout == ""


def test_attached_up_shows_logs_and_ctrl_c_stops_everything(two: Project) -> None:
    with subprocess.Popen(
        two.command("up", "--attach"),
        cwd=two.root,
        env=unmeasured.environment(two.environment),
        stdout=-1,
        text=True,
    ) as attached:
        assert attached.stdout is not None
        near = next(line for line in attached.stdout if line.startswith("near"))
        attached.send_signal(signal.SIGINT)
        assert attached.wait(30) == 130

    assert "http://127.0.0.1:" in near
    assert two.processes() == []


def test_ctrl_c_during_up_takes_down_what_it_brought_up(
    two: Project, until: Callable[[Callable[[], object]], None]
) -> None:
    (two.root / "sick").touch()
    with subprocess.Popen(
        two.command("up"), cwd=two.root, env=unmeasured.environment(two.environment)
    ) as waiting:
        until(lambda: two.processes() and two.status("near").answer)
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(30) == 130

    assert two.processes() == []


def test_a_taken_port_is_said_and_another_is_used(two: Project, taken: int) -> None:
    compose = two.root / "compose.yaml"
    compose.write_text(TWO % {"near": taken, "far": ports.any_free()})

    outcome = two.inv("up")

    assert outcome.returncode == 0, outcome.stderr
    assert two.port("near") != taken
    assert f"port {taken} is taken: near listens on {two.port('near')}" in outcome.stderr
    assert psutil.Process(two.pid("far")).environ()["NEAR"].endswith(f":{two.port('near')}/path")
