"""A database's accounts on lease, from a real server to a real PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from pipelines.errors import ConfigError
from pipelines.secrets.bao import Session
from pipelines.secrets.dynamic import Account, Accounts
from pipelines.stack.process import postgres
from pipelines.stack.process.postgres import Server
from tests.secrets.conftest import Bao

MAKE = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
POLICY = """
path "database/creds/*" { capabilities = ["read"] }
path "sys/leases/*" { capabilities = ["update"] }
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    # Not in pytest's folder, which the server's account could not enter under root.
    with tempfile.TemporaryDirectory(prefix="summit-test-") as folder:
        Path(folder).chmod(0o755)
        with postgres.running(Path(folder, "data"), password=secrets.token_hex(16)) as server:
            yield server


@pytest.fixture(scope="module")
def accounts(bao: Bao, database: Server) -> Accounts:
    root = bao.root
    root.sys.enable_secrets_engine("database")
    at = f"{database.host}:{database.port}/postgres?sslmode=disable"
    root.secrets.database.configure(
        "app",
        "postgresql-database-plugin",
        allowed_roles=["app"],
        connection_url=f"postgresql://{{{{username}}}}:{{{{password}}}}@{at}",
        username=database.superuser,
        password=database.password,
    )
    root.secrets.database.create_role(
        "app", "app", [MAKE], default_ttl="60s", max_ttl="5m", revocation_statements=[]
    )
    root.sys.create_or_update_policy("database", POLICY)
    root.auth.approle.create_or_update_approle("database", token_policies=["database"])
    role_id = root.auth.approle.read_role_id("database")["data"]["role_id"]
    made = root.auth.approle.generate_secret_id("database")
    secret_id_file = bao.secret_id_file.with_name("database-secret-id")
    secret_id_file.write_text(made["data"]["secret_id"])
    return Accounts(Session(bao.address, role_id=role_id, secret_id_file=secret_id_file))


def who_enters(database: Server, account: Account) -> str:
    async def asked() -> str:
        connection = await asyncpg.connect(
            host=database.host,
            port=database.port,
            user=account.user,
            password=account.password,
            database="postgres",
        )
        try:
            return str(await connection.fetchval("SELECT current_user"))
        finally:
            await connection.close()

    return asyncio.run(asked())


def test_a_lent_account_enters_the_database(accounts: Accounts, database: Server) -> None:
    one, other = accounts.lend("app"), accounts.lend("app")

    assert who_enters(database, one) == one.user
    assert who_enters(database, other) == other.user != one.user
    assert one.seconds == 60


def test_a_renewed_one_lives_longer_but_no_longer_than_its_role_grants(accounts: Accounts) -> None:
    account = accounts.lend("app")

    assert accounts.renew(account, 120).seconds == 120
    assert 120 < accounts.renew(account, 3600).seconds <= 300


def test_a_revoked_one_is_refused_by_the_database(accounts: Accounts, database: Server) -> None:
    account = accounts.lend("app")
    assert who_enters(database, account) == account.user

    accounts.revoke(account)

    with pytest.raises(asyncpg.InvalidPasswordError):
        who_enters(database, account)
    with pytest.raises(ConfigError, match="lease"):
        accounts.renew(account, 60)


def test_one_that_was_lent_is_not_revoked_with_another(
    accounts: Accounts, database: Server
) -> None:
    kept, dropped = accounts.lend("app"), accounts.lend("app")

    accounts.revoke(dropped)

    assert who_enters(database, kept) == kept.user


def test_an_unknown_role_is_refused_in_one_line(accounts: Accounts) -> None:
    with pytest.raises(ConfigError, match="unknown role: app2") as raised:
        accounts.lend("app2")

    assert "\n" not in str(raised.value)


def test_a_password_is_not_shown(accounts: Accounts) -> None:
    account = accounts.lend("app")

    assert account.password not in f"{account!r} {account}"
