"""Steps that need a service of the Compose file, among them a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.gates.project import Project

Until = Callable[[Callable[[], object]], None]

DATABASE = """
services:
  store:
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
# Takes its place where only starting and stopping matters; it notes every start.
PLAIN = """
services:
  store:
    image: its-own
    command: [sh, -c, "echo started >> starts; exec NAP"]
    environment: {MODE: "1"}
    healthcheck: {test: [CMD, "true"], start_interval: 100ms}
"""
BROKEN = """
services:
  store:
    image: its-own
    command: [sh, -c, "echo no luck; exit 3"]
    restart: "no"
"""
STEPS = """
    one: &asking
      run: [sh, -c, "cat starts >> ~/ran"]
      inputs: [one.txt]
      needs: [service:store]
    two: {<<: *asking, inputs: [two.txt], needs: [service:store, one]}
    alone: {run: ["true"], inputs: [alone.txt]}
"""
# Notes where the server has its data, which tells one server from another.
ASK = """
import asyncio, os, pathlib
import asyncpg

async def ask():
    host, _, port = os.environ["SUMMIT_STORE_ADDRESS"].partition(":")
    connection = await asyncpg.connect(
        host=host,
        port=int(port),
        user=os.environ["SUMMIT_STORE_USER"],
        database=os.environ["SUMMIT_STORE_DATABASE"],
        password=pathlib.Path(os.environ["SUMMIT_STORE_PASSWORD_FILE"]).read_text(),
    )
    folder = await connection.fetchval("SHOW data_directory")
    await connection.close()
    with (pathlib.Path.home() / "ran").open("a") as ran:
        ran.write(folder + "\\n")

asyncio.run(ask())
"""


# Says what it was told.
TELLING = """
services:
  store:
    image: its-own
    command: [sh, -c, 'echo "it is $$TOKEN"; exit 3']
    environment: {TOKEN: "${TOKEN}"}
    restart: "no"
"""


@pytest.fixture
def system() -> Iterator[Project]:
    """A repository with a service; when the test ends nothing of it may run any more."""
    # Not below pytest's own folder: that one is closed to the user PostgreSQL runs as under root.
    with tempfile.TemporaryDirectory(prefix="summit-gates-") as folder:
        Path(folder).chmod(0o755)
        made = Project(Path(folder) / "repository", Path(folder) / "home")
        made.root.mkdir()
        made.home.mkdir()
        made.git("init", "--quiet", "--initial-branch=main")
        made.steps(STEPS)
        made.write("compose.yaml", PLAIN)
        made.write(".gitignore", "starts\n")
        for name in ("one", "two", "alone"):
            made.write(f"{name}.txt", "")
        yield made
        assert (made.end_naps(), servers(made)) == ([], [])


def servers(project: Project) -> list[str]:
    """The command lines of what runs below the repository."""
    lines = (_line(process) for process in psutil.process_iter())
    return [line for line in lines if f"{project.root}/" in line]


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_two_steps_share_a_database_which_is_gone_with_the_run(system: Project) -> None:
    system.write("compose.yaml", DATABASE)
    system.write("ask.py", ASK)
    system.steps(STEPS.replace('[sh, -c, "cat starts >> ~/ran"]', "[python, ask.py]"))

    outcome = system.inv("check")

    assert outcome.totals == "3 steps: 3 passed, 0 from ledger, 0 failed, 0 skipped"
    first, second = system.ran
    assert first == second
    assert not Path(first).exists()
    assert servers(system) == []


def test_a_service_is_started_only_when_a_step_of_it_really_runs(system: Project) -> None:
    system.inv("check")
    assert system.ran == ["started", "started"]
    system.write("alone.txt", "changed\n")

    outcome = system.inv("check")

    assert outcome.totals == "3 steps: 1 passed, 2 from ledger, 0 failed, 0 skipped"
    assert (system.root / "starts").read_text() == "started\n"


def test_a_run_has_a_service_of_its_own(system: Project) -> None:
    system.inv("check")
    system.write("two.txt", "changed\n")

    outcome = system.inv("check")

    assert outcome.totals == "3 steps: 1 passed, 2 from ledger, 0 failed, 0 skipped"
    assert (system.root / "starts").read_text() == "started\nstarted\n"
    assert system.left() == []


def test_another_definition_of_the_service_makes_its_steps_stale(system: Project) -> None:
    system.inv("check")
    compose = system.root / "compose.yaml"
    compose.write_text(compose.read_text().replace('MODE: "1"', 'MODE: "2"'))

    plan = system.inv("check", "--plan").stdout.splitlines()

    assert {line.split()[0]: line.split()[1] for line in plan[1:]} == {
        "one:it": "run",
        "two:it": "run",
        "alone:it": "from",
    }


def test_a_service_that_never_gets_well_fails_its_step(system: Project) -> None:
    system.write("compose.yaml", BROKEN)

    outcome = system.inv("check", "--keep-going")

    assert outcome.code == 1
    assert outcome.error == "1 of 3 steps failed: one:it"
    assert "  | no luck" in outcome.stderr
    assert outcome.totals == "3 steps: 1 passed, 0 from ledger, 1 failed, 1 skipped"


def test_an_interrupted_run_takes_its_service_with_it(system: Project, until: Until) -> None:
    system.steps("""
        one: {run: [sh, -c, "touch ~/busy; NAP"], needs: [service:store]}
    """)
    with system.running("check") as run:
        until((system.home / "busy").exists)
        os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=60)

    assert run.returncode == 130
    assert (system.root / "starts").read_text() == "started\n"
    assert system.left() == []


def test_what_a_service_says_is_masked_too(system: Project) -> None:
    system.steps("""
        one: {run: ["true"], needs: [service:store], secrets: [TOKEN]}
    """)
    system.write("compose.yaml", TELLING)

    outcome = system.inv("check", TOKEN="hunter22-hunter22")

    assert "  | it is ***" in outcome.stderr
    kept = [str(file) for file in system.files() if b"hunter22" in file.read_bytes()]
    assert (kept, "hunter22" in outcome.stderr) == ([], False)


def test_an_unknown_service_is_named_with_its_line(system: Project) -> None:
    system.steps("""
        one: {run: ["true"], needs: [service:stor]}
    """)

    outcome = system.inv("check")

    assert outcome.error == (
        "pipelines.yaml:4: kinds.plain.one.needs[0]: no service called 'stor' in compose.yaml; "
        "did you mean 'store'?"
    )
    assert outcome.code == 2
