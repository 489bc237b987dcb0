"""Each service may touch its own rows and nothing else; nobody learns a password on the way."""

import asyncio
import base64
import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from services.kit import roles, testing

ROOT = Path(__file__).parents[3]


async def connect(postgres, user, password, database):
    return await asyncpg.connect(
        host=postgres.host, port=postgres.port, user=user, password=password, database=database
    )


@pytest.fixture
async def toy_database(place, postgres):
    """Return how to connect to a migrated database, as whomever."""
    name = place["database_url"].rpartition("/")[2]
    connections = []

    async def as_user(user):
        connection = await connect(postgres, user, postgres.password, name)
        connections.append(connection)
        return connection

    yield as_user
    for connection in connections:
        await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO toy.things (id, name) VALUES (1, 'a')",
        "UPDATE toy.things SET name = 'b'",
        "SELECT * FROM toy.things",
        "DELETE FROM toy.things",
        "INSERT INTO toy.outbox (topic, data) VALUES ('a', '{}')",
    ],
)
async def test_a_service_may_work_with_its_rows(toy_database, statement):
    await (await toy_database("toy")).execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE toy.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "DROP TABLE toy.things",
        "TRUNCATE toy.things",
        "ALTER TABLE toy.things ADD COLUMN x int",
        "SET ROLE toy_owner",
        "SET ROLE postgres",
        "CREATE ROLE mine",
        "SELECT * FROM pg_authid",
        "COPY toy.things FROM PROGRAM 'id'",
    ],
)
async def test_a_service_may_do_nothing_else(toy_database, statement):
    connection = await toy_database("toy")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)


async def test_a_service_sees_nothing_of_another_one(toy_database, postgres):
    superuser = await toy_database(postgres.superuser)
    name = await superuser.fetchval("SELECT current_database()")
    await roles.ensure(
        f"postgresql://{postgres.superuser}@{postgres.host}:{postgres.port}/{name}",
        password=postgres.password,
        services={"other": roles.Passwords(owner=postgres.password, runtime=postgres.password)},
    )
    other = await toy_database("other")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await other.execute("SELECT * FROM toy.things")


async def test_a_monitor_sees_the_server_s_statistics_and_no_service_s_rows(toy_database, postgres):
    superuser = await toy_database(postgres.superuser)
    name = await superuser.fetchval("SELECT current_database()")
    await roles.ensure(
        f"postgresql://{postgres.superuser}@{postgres.host}:{postgres.port}/{name}",
        password=postgres.password,
        services={},
        monitors={"watcher": postgres.password},
    )
    watcher = await toy_database("watcher")

    # Whose session it is shows that this one may read what others only see as null.
    seen = await watcher.fetchval(
        "SELECT query FROM pg_stat_activity WHERE usename = $1 LIMIT 1", postgres.superuser
    )
    assert "insufficient privilege" not in seen
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await watcher.execute("SELECT * FROM toy.things")


async def test_only_who_was_let_in_may_connect(toy_database, postgres):
    superuser = await toy_database(postgres.superuser)
    name = await superuser.fetchval("SELECT current_database()")
    verifier = roles.scram_verifier("x", b"salt")
    async with superuser.transaction():
        await superuser.execute("LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE")
        if not await superuser.fetchval("SELECT true FROM pg_roles WHERE rolname = 'stranger'"):
            await superuser.execute(f"CREATE ROLE stranger LOGIN PASSWORD '{verifier}'")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connect(postgres, "stranger", "x", name)


async def test_many_at_once_in_one_database_and_in_several_all_succeed(postgres, toy):
    values = await testing.with_roles(postgres, "toy")
    superuser = values["database_url"].replace("//toy@", f"//{postgres.superuser}@")
    passwords = roles.Passwords(owner=postgres.password, runtime=postgres.password)
    await asyncio.gather(
        *(
            roles.ensure(superuser, password=postgres.password, services={"toy": passwords})
            for _ in range(4)
        ),
        *(testing.with_roles(postgres, "toy") for _ in range(4)),
    )


async def test_a_changed_password_is_set_and_the_old_one_ends(postgres):
    place = f"{postgres.host}:{postgres.port}/changing"
    url = f"postgresql://{postgres.superuser}@{place}"
    for word in ("first", "second's \\ $1"):
        passwords = roles.Passwords(owner=word, runtime=word)
        await roles.ensure(url, password=postgres.password, services={"changing": passwords})

    await (await connect(postgres, "changing", "second's \\ $1", "changing")).close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(postgres, "changing", "first", "changing")


def test_a_verifier_is_what_the_standard_says():
    # The exchange of RFC 7677 section 3: its client proof and server signature follow from these.
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    server_key = roles.scram_verifier("pencil", salt).rpartition(":")[2]
    signature = hmac.digest(base64.b64decode(server_key), message, hashlib.sha256)

    assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize("password", ["", "pässword", "new\nline", "\u00ad"])
def test_a_password_that_two_programs_might_read_differently_is_refused(password):
    with pytest.raises(ValueError, match="printable ASCII"):
        roles.scram_verifier(password, b"salt")


def run(*names, **environment):
    return subprocess.run(
        [sys.executable, "-m", "services.kit.roles", *names],
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_makes_roles_from_files(postgres, tmp_path):
    (tmp_path / "superuser").write_text(postgres.password + "\n")
    for file in ("sample_db_password", "sample_owner_password", "watcher_db_password"):
        (tmp_path / file).write_text("a password of ours\n")
    place = f"{postgres.superuser}@{postgres.host}:{postgres.port}/sample"
    outcome = run(
        "sample",
        DATABASE_URL=f"postgresql://{place}",
        DATABASE_PASSWORD_FILE=str(tmp_path / "superuser"),
        ROLE_PASSWORDS_DIR=str(tmp_path),
        MONITORING_ROLE="watcher",
    )

    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_data_of_another_password_are_one_line(postgres, tmp_path):
    for file in ("sample_db_password", "sample_owner_password"):
        (tmp_path / file).write_text("a password of ours\n")
    outcome = run(
        "sample",
        DATABASE_URL=f"postgresql://{postgres.superuser}@{postgres.host}:{postgres.port}/sample",
        DATABASE_PASSWORD="another",
        ROLE_PASSWORDS_DIR=str(tmp_path),
    )

    assert outcome.returncode == 1
    assert outcome.stderr.count("\n") == 1
    assert "the server's data were made with another password" in outcome.stderr


def test_the_command_names_every_file_that_is_missing(tmp_path):
    (tmp_path / "sample_db_password").write_text("")
    outcome = run(
        "sample",
        MONITORING_ROLE="watcher",
        DATABASE_URL="postgresql://postgres@127.0.0.1/summit",
        DATABASE_PASSWORD="x",
        ROLE_PASSWORDS_DIR=str(tmp_path),
    )

    assert outcome.returncode == 2
    assert outcome.stderr.splitlines() == [
        f"error: {tmp_path}/sample_owner_password: No such file or directory",
        f"error: {tmp_path}/sample_db_password: must be printable ASCII, and not empty",
        f"error: {tmp_path}/watcher_db_password: No such file or directory",
    ]


@pytest.mark.parametrize("names", [(), ("Robert'); DROP TABLE",), ("a-b",), ("",)])
def test_the_command_refuses_what_is_no_name(names):
    outcome = run(*names)

    assert (outcome.returncode, outcome.stderr) == (
        2,
        "error: usage: python -m services.kit.roles NAME...\n",
    )
