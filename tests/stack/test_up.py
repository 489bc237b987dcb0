"""`up` and its kin, as local processes: what no other engine does so."""

from __future__ import annotations

import urllib.request

import psutil
import pytest

from pipelines.stack import ports
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


def test_a_python_module_is_forked_and_a_script_is_started_afresh(two: Project) -> None:
    two.inv("up")

    near, far = psutil.Process(two.pid("near")), psutil.Process(two.pid("far"))
    assert "interpreter.py" in " ".join(near.cmdline())
    assert "service.py" in far.cmdline()[-1]


def test_a_neighbours_address_is_the_local_one(two: Project) -> None:
    two.inv("up")

    environment = psutil.Process(two.pid("far")).environ()
    assert environment["NEAR"] == f"http://127.0.0.1:{two.port('near')}/path"


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


def test_who_asks_a_service_is_told_of_the_port_that_it_got(two: Project, taken: int) -> None:
    two.write("compose.yaml", TWO % {"near": taken, "far": ports.any_free()})

    assert two.inv("up").returncode == 0
    assert two.port("near") != taken
    assert psutil.Process(two.pid("far")).environ()["NEAR"].endswith(f":{two.port('near')}/path")
