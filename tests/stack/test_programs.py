"""Programs of this machine in the place of an image's own, with what they mount."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pipelines.stack import ports
from pipelines.stack.process.local import Local
from tests.stack.project import Project

# It answers with what it was told, and what it reads.
WATCHER = """\
import http.server, json, pathlib, sys

options = dict(word.split("=", 1) for word in sys.argv[1:])
file = pathlib.Path(options["--config"])
rules = (file.parent / "rules").read_text()
told = {"options": options, "config": file.read_text(), "rules": rules}
host, _, port = options["--listen"].rpartition(":")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"""
COMPOSE = """
    services:
      near:
        image: its-own
        command: [python, -m, service]
        environment: {PORT: "%(near)s"}
        expose: ["%(near)s"]
        healthcheck: {test: [CMD, "true"], interval: 1s}
        x-summit: {probe: {http: /}}
      watcher:
        image: its-own
        command: [--config=/etc/watcher/watcher.conf, --data=/data/deep, "--listen=:%(watcher)s"]
        ports: ["127.0.0.1:%(watcher)s:%(watcher)s"]
        secrets: [word]
        volumes: [./conf:/etc/watcher:ro, kept:/data]
        healthcheck: {test: [CMD, "true"], interval: 1s}
        x-summit: {program: [the-watcher, a-watcher], probe: {http: /}}
    volumes: {kept: {}}
    secrets: {word: {file: ./word, x-summit: {generate: password}}}
"""
CONF = (
    "ask near:%(near)s and http://near:%(near)s/x, not nearer:1;"
    " /etc/watcher/rules /run/secrets/word\n"
)


@pytest.fixture
def watched(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    found = {"near": ports.any_free(), "watcher": ports.any_free()}
    project.write("compose.yaml", COMPOSE % found)
    (project.root / "conf").mkdir()
    project.write("conf/watcher.conf", CONF % found)
    (project.root / "conf/rules").write_bytes(b"none\n")
    programs = project.root / "programs"
    programs.mkdir()
    program = programs / "a-watcher"
    program.write_text(f"#!{sys.executable}\n{textwrap.dedent(WATCHER)}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return project


def told(project: Project) -> dict[str, Any]:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{project.port('watcher')}/", timeout=5
    ) as answer:
        return dict(json.load(answer))


def test_a_program_gets_the_folders_and_neighbours_of_this_machine(watched: Project) -> None:
    outcome = watched.inv("up")
    assert outcome.returncode == 0, outcome.stderr

    found = told(watched)
    config = Path(found["options"]["--config"])
    near = f"127.0.0.1:{watched.port('near')}"
    word = watched.place.grants / "watcher/word"
    assert found["options"]["--data"] == str(watched.place.volumes / "kept/deep")
    assert (watched.place.volumes / "kept").is_dir()
    assert found["options"]["--listen"] == f"127.0.0.1:{watched.port('watcher')}"
    assert found["config"] == (
        f"ask {near} and http://{near}/x, not nearer:1; {config.parent}/rules {word}\n"
    )
    assert found["rules"] == "none\n"
    assert word.read_text()


def test_a_changed_file_starts_the_program_anew_and_nothing_else(watched: Project) -> None:
    watched.inv("up")
    before = {name: watched.pid(name) for name in ("near", "watcher")}

    (watched.root / "conf/rules").write_text("some\n")
    assert watched.inv("up").returncode == 0

    after = {name: watched.pid(name) for name in before}
    assert told(watched)["rules"] == "some\n"
    assert after["near"] == before["near"]
    assert after["watcher"] != before["watcher"]
    assert len(list((watched.place.mounts / "watcher").iterdir())) == 1


def test_a_program_that_this_machine_has_not_is_one_line(watched: Project) -> None:
    (watched.root / "programs/a-watcher").unlink()
    outcome = watched.inv("up")

    assert outcome.returncode == 5
    assert outcome.stderr.splitlines()[-1] == (
        "error: watcher: this machine has no program the-watcher or a-watcher;"
        " install it, or use `inv up --engine docker`"
    )


def test_a_file_that_is_to_be_mounted_and_is_not_there_is_one_line(watched: Project) -> None:
    (watched.root / "conf").rename(watched.root / "elsewhere")
    outcome = watched.inv("up")

    assert outcome.returncode == 2
    assert re.search(
        r"^error: .*compose\.yaml:\d+: watcher: .*/conf is to be mounted and is not there$",
        outcome.stderr.splitlines()[-1],
    )


LOCAL = Local(
    {"a": 1, "b-c": 2, "far": 3},
    {"/run/secrets": Path("/here/secrets")},
    {9090: 7},
    {"far": "198.51.100.7"},
)


@pytest.mark.parametrize(
    ("word", "here"),
    [
        (":9090", "127.0.0.1:7"),
        ("--listen=:9090", "127.0.0.1:7"),
        (":9091", ":9091"),
        ("--to=http://a/x", "http://127.0.0.1:1/x"),
        ("--file=/run/secrets/x", "/here/secrets/x"),
        ("/run/secretsome", "/run/secretsome"),
        ("--where=b-c:5432/db", "127.0.0.1:2/db"),
        ("--to=http://far:80/x", "http://198.51.100.7:3/x"),
        ("a:role", "a:role"),
        ("a", "a"),
        ("x=/run/secrets/x", "x=/run/secrets/x"),
    ],
)
def test_a_word_is_a_path_or_an_address_or_left_alone(word: str, here: str) -> None:
    option = f"{word.partition('=')[0]}=" if word.startswith("-") else ""
    assert LOCAL.word(word) == option + here
