"""The small system of tests/deploy on a swarm of three machines, imitated on this one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from pipelines.containers import packages
from pipelines.deploy.swarm.engine import SwarmEngine
from pipelines.release import Release
from tests.integration.base import image_of
from tests.integration.deploy.conftest import COMPOSE, DOCKERFILE, WEB, Containers

ROOT = Path(__file__).parents[3]
STORE = "python:3.13-trixie"  # of no release, so that none changes it
ENVIRONMENT = """
engine: swarm
host: {host}
doors: {{web: {port}}}
ready: 90s
bake: {{seconds: 1, requests: 20, paths: [web/]}}
variables: {variables}
"""
BESIDE = """\
  beside:
    <<: *one
    command: [sleep, "100000"]
    environment: {NOTE: "${NOTE:-old}"}
    restart: unless-stopped
    stop_grace_period: 1s
"""


@dataclass(frozen=True)
class Machine:
    """One of them: its engine's `socket` and process, its address, its network namespace."""

    socket: str
    address: str
    namespace: str
    pid: int

    def docker(self, *words: str) -> str:
        done = subprocess.run(
            ["docker", f"--host={self.socket}", *words], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


@dataclass(frozen=True)
class Swarm:
    """The machines; the first manages."""

    machines: list[Machine]
    registry: str
    base: str  # what images are built on

    @property
    def manager(self) -> Machine:
        return self.machines[0]

    def names(self) -> set[str]:
        """Of everything that the system has made in the swarm."""
        kinds = ("service", "network", "secret", "config", "volume")
        said = (self.manager.docker(kind, "ls", "--format={{.Name}}") for kind in kinds)
        return {name for names in said for name in names.splitlines() if name.startswith("small")}


@pytest.fixture(scope="session")
def swarm(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """Three machines that have joined, and have what images are built on."""
    packages.install(
        {**packages.REGISTRY, ("ip", "-V"): {"debian": "iproute2", "ubuntu": "iproute2"}}
    )
    folder = tmp_path_factory.mktemp("swarm")
    program = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("machines.py")), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdout
        told = json.loads(program.stdout.readline())
        machines = [Machine(**it) for it in told["machines"]]
        made = Swarm(machines, told["registry"], image_of(engine, "python"))
        _join(made)
        bring([made.base, image_of(engine, "haproxy")], made.manager)
        yield made


def _join(swarm: Swarm) -> None:
    manager, *others = swarm.machines
    manager.docker("swarm", "init", f"--advertise-addr={manager.address}")
    token = manager.docker("swarm", "join-token", "--quiet", "worker")
    for it in others:
        it.docker("swarm", "join", f"--token={token}", f"{manager.address}:2377")


def bring(wanted: list[str], to: Machine) -> None:
    """Give a machine images that this one has."""
    saved = subprocess.Popen(["docker", "save", *wanted], stdout=subprocess.PIPE)
    with saved:
        subprocess.run(
            ["docker", f"--host={to.socket}", "load", "--quiet"],
            stdin=saved.stdout,
            check=True,
            capture_output=True,
        )
    assert saved.returncode == 0


@dataclass
class Stacks(Containers):
    """The system as stacks."""

    manager: Machine | None = None

    def release(self, version: str, does: str = "works") -> Release:
        with self.building():
            return super().release(version, does)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Images are built where the manager is, which may push to the registry."""
        with pytest.MonkeyPatch.context() as patch:
            assert self.manager
            patch.setenv("DOCKER_HOST", self.manager.socket)
            yield

    def environment(self, **variables: str) -> str:
        assert self.manager
        return ENVIRONMENT.format(
            host=self.manager.socket, port=self.port, variables=json.dumps(variables)
        )

    @property
    def url(self) -> str:
        assert self.manager
        return f"http://{self.manager.address}:{self.port}"

    @property
    def engine(self) -> SwarmEngine:  # type: ignore[override]
        return SwarmEngine(self.site)


@pytest.fixture
def system(swarm: Swarm, tmp_path: Path) -> Iterator[Stacks]:
    """The system, not deployed yet; whatever of it is in the swarm at the end is removed."""
    with _system(swarm, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def serving(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    """The system with a release that serves, `good`: as every test leaves it."""
    with _system(swarm, tmp_path_factory.mktemp("serving")) as made:
        made.deploy(made.release("good"))
        yield made


@contextmanager
def _system(swarm: Swarm, folder: Path) -> Iterator[Stacks]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        made = Stacks.make(folder / "repository")
        assert isinstance(made, Stacks)
        made.registry, made.manager = swarm.registry, swarm.manager
        for name, text in {
            "web.py": WEB,
            "compose.yaml": _compose(),
            "Dockerfile": DOCKERFILE.format(base=swarm.base, label="of", owner="tests"),
            "environments/staging.yaml": made.environment(),
        }.items():
            (made.root / name).write_text(text)
        yield made
        made.down()
        assert swarm.names() == set()


def _compose() -> str:
    """The system of the docker engine, with what only a swarm has."""
    changes = {
        "mem_limit: 64m": "mem_limit: 64m\n    deploy: {replicas: 2}",
        "127.0.0.1:8000:8000": "8000:8000",
        'PORT: "8000", TOKEN': 'PORT: "${PORT:-8000}", TOKEN',
        "store:\n    <<: *one": f"store:\n    image: {STORE}\n    init: true",
        "  prepare:": BESIDE + "  prepare:",
    }
    text = COMPOSE % {"name": "small"}
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text
