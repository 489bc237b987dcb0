"""Services for the steps of a run: there when asked for, gone with the run, apart from others."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psutil
import pytest

from pipelines.errors import ConfigError, SummitError
from pipelines.stack import place, ports
from pipelines.stack.needed import Needed, NeededNotHealthy
from pipelines.stack.process.launch import MARK
from tests import unmeasured
from tests.stack.project import Project

Until = Callable[[Callable[[], object]], None]

# `near` and `far` keep count of their starts; `sick` and `broken` never get well.
SYSTEM = """
    services:
      near: &service
        image: its-own
        command: [sh, -c, "echo started >> near.starts; exec python service.py"]
        environment: {PORT: "%(port)s", SAYS: near}
        expose: ["%(port)s"]
        healthcheck: {test: [CMD, "true"], interval: 1s}
        x-summit: {probe: {http: /}}
      far:
        <<: *service
        command: [sh, -c, "echo started >> far.starts; exec python service.py"]
        environment: {PORT: "1", SAYS: far}
        expose: ["1"]
        secrets: [word]
        depends_on: {near: {condition: service_healthy}}
      sick:
        <<: *service
        command: [python, service.py]
        environment: {PORT: "2", SICK: very}
        expose: ["2"]
      broken:
        image: its-own
        command: [sh, -c, "echo no luck; exit 3"]
        restart: "no"
    secrets:
      word: {file: ./.summit/secrets/word, x-summit: {generate: password}}
"""

# A run that says what it was given, then goes on until it is ended.
RUN = """
import pathlib, signal, sys
from pipelines.stack.needed import Needed

needed = Needed(pathlib.Path.cwd())
try:
    print(needed.start(["near"])["SUMMIT_NEAR_ADDRESS"], flush=True)
    signal.pause()
finally:
    needed.stop()
"""


@pytest.fixture
def system(project: Project) -> Iterator[Project]:
    project.write("compose.yaml", SYSTEM % {"port": ports.any_free()})
    yield project
    assert left(project) == []


@pytest.fixture
def needed(system: Project) -> Iterator[Needed]:
    made = Needed(system.root)
    yield made
    made.stop()


def left(project: Project) -> list[str]:
    """What the runs of this checkout have left: folders with their data, and processes."""
    runs = place.runs(project.root)
    folders = [path for path in runs.iterdir() if path.is_dir()] if runs.exists() else []
    processes = [each for each in psutil.process_iter() if _is_of_a_run(each, project.root)]
    return [str(found) for found in (*folders, *processes)]


def _is_of_a_run(process: psutil.Process, root: Path) -> bool:
    try:
        match process.cmdline():
            case [_, "-m", "pipelines.stack.process.supervisor", where, _, _, _]:
                return where == str(root)
        return process.environ().get(MARK, "").startswith(str(place.runs(root)))
    except psutil.Error:  # not ours to read, or gone meanwhile
        return False


def starts(project: Project, service: str) -> int:
    return len((project.root / f"{service}.starts").read_text().splitlines())


def read(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=5) as response:
        return str(response.read().decode())


def test_two_steps_at_once_share_one_start(system: Project, needed: Needed) -> None:
    with ThreadPoolExecutor(2) as steps:
        first, second = steps.map(needed.start, [["near"], ["near"]])

    assert first == second == needed.start(["near"])
    assert read(first["SUMMIT_NEAR_ADDRESS"]) == "near"
    assert starts(system, "near") == 1


def test_what_a_service_depends_on_comes_with_it(system: Project, needed: Needed) -> None:
    told = needed.start(["far"])

    assert read(told["SUMMIT_FAR_ADDRESS"]) == "far"
    assert starts(system, "near") == 1
    word = Path(told["SUMMIT_FAR_SECRETS"], "word").read_text()
    assert word == (system.root / ".summit" / "secrets" / "word").read_text()


def test_a_service_asked_for_later_joins_those_that_run(system: Project, needed: Needed) -> None:
    near = needed.start(["near"])
    both = needed.start(["near", "far"])

    assert both["SUMMIT_NEAR_ADDRESS"] == near["SUMMIT_NEAR_ADDRESS"]
    assert (starts(system, "near"), starts(system, "far")) == (1, 1)


def test_stopped_once_or_twice_nothing_is_left(system: Project) -> None:
    needed = Needed(system.root)
    needed.start(["far"])
    assert left(system) != []

    needed.stop()
    needed.stop()

    assert left(system) == []


def test_a_run_that_asked_for_nothing_stops_nothing(system: Project) -> None:
    Needed(system.root).stop()

    assert not place.runs(system.root).exists()


def test_the_usual_ports_stay_free_for_the_person_who_works_here(
    system: Project, needed: Needed
) -> None:
    needed.start(["near"])

    assert system.inv("up", "--only", "near").stderr.count("is taken") == 0
    assert starts(system, "near") == 2


def test_a_stack_that_is_up_lends_its_services_and_stays_up(
    system: Project, needed: Needed
) -> None:
    assert (up := system.inv("up", "--only", "near")).returncode == 0, up.stderr
    before = system.pid("near")

    told = needed.start(["near"])
    needed.stop()

    assert told["SUMMIT_NEAR_ADDRESS"] == f"127.0.0.1:{system.port('near')}"
    assert read(told["SUMMIT_NEAR_ADDRESS"]) == "near"
    assert (system.pid("near"), starts(system, "near")) == (before, 1)


def test_a_service_that_runs_as_it_was_described_before_is_not_lent(
    system: Project, needed: Needed
) -> None:
    assert (up := system.inv("up", "--only", "near")).returncode == 0, up.stderr
    compose = system.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("SAYS: near", "SAYS: changed"))

    told = needed.start(["near"])

    assert read(told["SUMMIT_NEAR_ADDRESS"]) == "changed"
    assert read(f"127.0.0.1:{system.port('near')}") == "near"


def test_an_unknown_service_is_one_clear_line(system: Project, needed: Needed) -> None:
    with pytest.raises(ConfigError) as raised:
        needed.start(["nearr"])

    assert str(raised.value) == (
        f"{system.root}/compose.yaml: no service called 'nearr', which a step needs; "
        "did you mean 'near'?"
    )


def test_a_service_that_fails_is_one_line_and_its_last_words(
    system: Project, needed: Needed
) -> None:
    for _ in range(2):  # whoever asks again is told the same
        with pytest.raises(NeededNotHealthy) as raised:
            needed.start(["broken"])

    assert str(raised.value) == (
        "service broken did not become healthy: broken (exited with code 3); "
        "`inv up --only broken` brings it up to be looked at"
    )
    assert raised.value.output.splitlines()[:2] == [
        "broken: failed: exited with code 3",
        "  | no luck",
    ]


def test_the_end_of_the_run_ends_the_wait_for_a_sick_service(system: Project, until: Until) -> None:
    needed = Needed(system.root)
    raised: list[BaseException] = []

    def step() -> None:
        try:
            needed.start(["sick"])
        except SummitError as error:
            raised.append(error)

    waiting = threading.Thread(target=step)
    waiting.start()
    until(lambda: any(place.runs(system.root).glob("*/stack/logs/sick.log")))
    needed.stop()
    waiting.join()

    assert len(raised) == 1
    assert left(system) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_however_a_run_is_ended_nothing_of_it_is_left(
    system: Project, number: int, until: Until
) -> None:
    with _run(system) as run:
        run.send_signal(number)
        run.wait(60)

    until(lambda: left(system) == [])


def test_what_is_left_of_a_run_killed_with_its_supervisor_is_swept_by_the_next(
    system: Project, needed: Needed
) -> None:
    with _run(system) as run:
        system.supervisor().kill()
        run.kill()
    assert left(system) != []
    (orphan,) = place.runs(system.root).glob("*/")

    needed.start(["near"])

    assert not orphan.exists()
    needed.stop()


def _run(system: Project) -> subprocess.Popen[str]:
    """A run in a process of its own, once its service is healthy."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=system.root,
        env=unmeasured.environment(system.environment),
        stdout=-1,
        text=True,
    )
    assert run.stdout is not None
    assert read(run.stdout.readline().strip()) == "near"
    return run


DATABASE = """
    services:
      postgres:
        image: postgres:18
        environment:
          POSTGRES_DB: summit
          POSTGRES_PASSWORD_FILE: /run/secrets/password
        expose: ["5432"]
        secrets: [password]
        volumes: ["data:/var/lib/postgresql"]
        healthcheck: {test: [CMD, pg_isready, --host=127.0.0.1], start_interval: 100ms}
        x-summit: {process: postgres}
    volumes: {data: }
    secrets:
      password: {file: ./.summit/secrets/password, x-summit: {generate: password}}
"""


def test_a_database_is_the_runs_own_and_says_how_to_log_in(project: Project) -> None:
    project.write("compose.yaml", DATABASE)
    needed = Needed(project.root)
    told = needed.start(["postgres"])

    password = Path(told["SUMMIT_POSTGRES_PASSWORD_FILE"]).read_text()
    data = Path(asyncio.run(_data_directory(told, password)))
    assert (data / "PG_VERSION").exists()
    needed.stop()

    assert not data.parent.exists()
    assert not project.place.volumes.exists()
    assert left(project) == []


async def _data_directory(told: dict[str, str], password: str) -> str:
    host, _, port = told["SUMMIT_POSTGRES_ADDRESS"].partition(":")
    connection = await asyncpg.connect(
        host=host,
        port=int(port),
        user=told["SUMMIT_POSTGRES_USER"],
        database=told["SUMMIT_POSTGRES_DATABASE"],
        password=password,
    )
    try:
        return str(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


def test_a_digest_is_of_the_definition_and_of_all_it_depends_on(system: Project) -> None:
    before = _digests(system)
    compose = system.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("SAYS: near", "SAYS: other"))

    assert _changed(before, _digests(system)) == {"near", "far"}


def test_a_digest_does_not_know_where_the_file_is_nor_on_which_line_it_says_so(
    system: Project, tmp_path: Path
) -> None:
    text = (system.root / "compose.yaml").read_text()
    mount = text.replace("SAYS: near}\n", "SAYS: near}\n    volumes: [./data:/data]\n", 1)
    (system.root / "compose.yaml").write_text(mount)
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    (elsewhere.root / "compose.yaml").write_text("# a line more\n" + mount)

    assert "volumes: [./data" in mount
    assert _digests(system) == _digests(elsewhere)
    assert [path.name for path in elsewhere.root.iterdir()] == ["compose.yaml"]  # nothing started


def _digests(project: Project) -> dict[str, str]:
    needed = Needed(project.root)
    return {name: needed.digest(name) for name in ("near", "far", "sick", "broken")}


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}
