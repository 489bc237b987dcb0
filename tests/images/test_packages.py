"""What is installed on a host that lacks something: just that, and nothing where all is there."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from pipelines.containers import host, packages
from pipelines.containers.client import MINIMUM_API
from pipelines.errors import MachineError
from pipelines.images import rootfs

PROGRAM = """#!/bin/sh
case "$LACKS" in *"$1"*) exit 1;; esac
"""
APT = """#!/bin/sh
echo "$*" >> "$APT_LOG"
"""


class Host:
    """A host whose programs only say whether they are there, and whose apt notes what is wanted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = folder / "apt.log"
        self.monkeypatch = monkeypatch
        for name, text in {"docker": PROGRAM, "dockerd": PROGRAM, "apt-get": APT}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setenv("APT_LOG", str(self.log))
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        self.lacks("nothing")
        self.runs("debian")

    def lacks(self, word: str) -> None:
        self.monkeypatch.setenv("LACKS", word)

    def runs(self, system: str) -> None:
        self.monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": system})

    @property
    def installed(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.partition("--no-install-recommends ")[2] for line in lines if "inst" in line]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, serve: Callable[[str], str]) -> None:
    monkeypatch.setenv("DOCKER_HOST", serve(MINIMUM_API))


@pytest.mark.usefixtures("engine")
def test_nothing_is_installed_where_all_is_there(machine: Host, tmp_path: Path) -> None:
    host.start(tmp_path)

    assert not machine.log.exists()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("system", "package"), [("debian", "docker-compose"), ("ubuntu", "docker-compose-v2")]
)
def test_what_an_engine_that_answers_is_lacking_is_installed(
    machine: Host, tmp_path: Path, system: str, package: str
) -> None:
    machine.runs(system)
    machine.lacks("compose")

    host.start(tmp_path)

    assert machine.installed == [package]


def test_who_is_not_root_is_told_what_is_missing(
    machine: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.lacks("buildx")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(MachineError) as caught:
        packages.install(packages.CLIENT)

    assert str(caught.value) == "this host lacks docker buildx; install it, or run this as root"
    assert not machine.log.exists()


def test_stand_ins_are_made_on_a_debian_only(machine: Host) -> None:
    machine.runs("ubuntu")

    with pytest.raises(MachineError) as caught:
        rootfs.make(docker.DockerClient("tcp://127.0.0.1:9", version="1.44"), labels={})

    assert str(caught.value) == (
        "stand-ins are made of Debian's packages, and this host is not a Debian;"
        " make them on one, or let the engine reach a registry"
    )
