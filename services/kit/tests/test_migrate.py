"""Migrations are applied once, whole, by one of many, and never by the service itself."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from services.kit import migrate, revisions, testing
from services.kit.database import Database
from services.kit.settings import DatabaseSettings

ROOT = Path(__file__).parents[3]
RUN = """
import sys, services
services.__path__.append(sys.argv[1])
from services.kit.migrate import main
sys.exit(main(["toy"]))
"""


@pytest.fixture
async def empty(postgres, toy):
    return await testing.with_roles(postgres, "toy")


def owner_url(values):
    return values["database_url"].replace("//toy@", "//toy_owner@")


def environment(values, **others):
    return {
        "DATABASE_URL": owner_url(values),
        "DATABASE_PASSWORD": values["database_password"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        **others,
    }


def run(toy, environment):
    command = [sys.executable, "-c", RUN, str(toy.parent)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


async def revision(values) -> str | None:
    async with Database(DatabaseSettings(**values)) as database, database.session() as session:
        return await session.scalar(text("SELECT version_num FROM alembic_version"))


async def test_a_second_run_changes_nothing(empty):
    for _ in range(2):
        await migrate.upgrade("toy", owner_url(empty), password=empty["database_password"])

    assert await revision(empty) == "0002"


async def test_many_processes_at_once_all_succeed(empty, toy):
    runs = [asyncio.to_thread(run, toy, environment(empty)) for _ in range(4)]
    outcomes = await asyncio.gather(*runs)

    assert [(outcome.returncode, outcome.stderr) for outcome in outcomes] == [(0, "")] * 4
    assert await revision(empty) == "0002"


async def test_a_migration_that_fails_leaves_nothing_behind(empty, toy):
    (toy / "migrations" / "versions" / "0003_bad.py").write_text(
        "from alembic import op\nrevision = '0003'\ndown_revision = '0002'\n"
        "def upgrade():\n    op.execute('SELECT no_such_column')\n"
    )
    outcome = run(toy, environment(empty))

    assert outcome.returncode == 1
    assert "no_such_column" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    async with Database(DatabaseSettings(**empty)) as database, database.session() as session:
        assert await session.scalar(text("SELECT to_regclass('things')")) is None


async def test_waiting_for_another_one_has_an_end(empty):
    async with Database(DatabaseSettings(**empty)) as database, database.session() as session:
        lock = "SELECT pg_advisory_xact_lock(hashtext('migrate'), hashtext('toy'))"
        await session.execute(text(lock))
        with pytest.raises(Exception, match="lock timeout"):
            await migrate.upgrade(
                "toy", owner_url(empty), password=empty["database_password"], wait_seconds=0.05
            )


async def test_waiting_for_the_server_has_an_end(empty, unused_tcp_port):
    with pytest.raises(ConnectionRefusedError):
        await migrate.upgrade(
            "toy",
            f"postgresql://toy_owner@127.0.0.1:{unused_tcp_port}/summit",
            password="x",
            wait_seconds=0.05,
        )


async def test_a_server_that_comes_up_late_is_waited_for(empty, line, postgres):
    await line.cut()
    url = owner_url(empty).replace(f":{postgres.port}/", f":{line.port}/")
    upgrade = asyncio.create_task(
        migrate.upgrade("toy", url, password=empty["database_password"], wait_seconds=10)
    )
    await asyncio.sleep(0)
    await line.mend()
    await upgrade

    assert await revision(empty) == "0002"


async def test_a_wrong_password_is_one_line_at_once(empty, toy):
    outcome = run(toy, environment(empty, DATABASE_PASSWORD="wrong-horse"))

    assert outcome.returncode == 1
    assert outcome.stderr.startswith("error: migrations of toy: ")
    assert "password authentication failed" in outcome.stderr
    assert "wrong-horse" not in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_what_is_missing_is_named(toy):
    outcome = run(toy, {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"})

    assert outcome.returncode == 2
    assert [line.partition(";")[0] for line in outcome.stderr.splitlines()] == [
        "error: DATABASE_URL: not set",
        "error: DATABASE_PASSWORD: not set",
    ]


async def test_the_service_cannot_change_which_migration_it_is_at(place):
    async with Database(DatabaseSettings(**place)) as database:
        with pytest.raises(Exception, match="permission denied"):
            async with database.session() as session:
                await session.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def test_the_head_is_read_without_running_a_migration(toy):
    (toy / "migrations" / "versions" / "0003_more.py").write_text(
        "raise RuntimeError\nrevision = '0003'\ndown_revision = '0002'\n"
    )
    history = revisions.history("toy")

    assert (history.head, history.known) == ("0003", {"0001", "0002", "0003"})
    assert not [name for name in sys.modules if name.startswith("services.toy")]


@pytest.mark.parametrize("source", ["revision = '0003'\ndown_revision = '0001'\n"])
def test_a_history_that_forks_is_refused(toy, source):
    (toy / "migrations" / "versions" / "0003_more.py").write_text(source)

    with pytest.raises(ValueError, match="expected one head, found \\['0002', '0003'\\]"):
        revisions.history("toy")


@pytest.mark.parametrize(
    "source", ["", "revision = 3\n", "revision = '3'\ndown_revision = ('1',)\n"]
)
def test_a_migration_that_names_no_revision_is_refused(toy, source):
    (toy / "migrations" / "versions" / "0003_more.py").write_text(source)

    with pytest.raises(ValueError, match=r"0003_more\.py"):
        revisions.history("toy")


def test_a_service_without_migrations_has_no_head(toy):
    for path in (toy / "migrations" / "versions").glob("*.py"):
        path.unlink()

    assert revisions.history("toy").head is None
