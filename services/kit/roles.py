"""Makes the database roles and schemas of services: `python -m services.kit.roles fusion tasking`.

For each service NAME: a schema NAME owned by the role NAME_owner, which migrations run as, and the
role NAME, which the service runs as and which may only read and write rows. Runs as a superuser, as
often as one likes, several at once; passwords are set from `ROLE_PASSWORDS_DIR` each time. The role
that `MONITORING_ROLE` names, if any, may read the server's statistics and no table of a service.
"""

import asyncio
import hmac
import os
import re
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
from pydantic import Field
from sqlalchemy import make_url
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from services.kit.command import FAILED, MISUSED, refuse
from services.kit.settings import CommandSettings, SettingsError

WAIT_SECONDS = 60
# PostgreSQL's own default for SCRAM.
ITERATIONS = 4096
_NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")


@dataclass(frozen=True)
class Passwords:
    """The passwords of a service's two roles."""

    owner: str = field(repr=False)
    runtime: str = field(repr=False)


class Settings(CommandSettings):
    """Where the server is, as whom to connect, and where the new passwords are."""

    role_passwords_dir: Path = Path("/run/secrets")
    monitoring_role: str = Field("", pattern=r"^([a-z][a-z0-9_]{0,50})?$")


def scram_verifier(password: str, salt: bytes) -> str:
    """Return what PostgreSQL stores instead of `password`, so that it is never sent or logged.

    RFC 5803 section 3 and RFC 7677; raises `ValueError` for what SASLprep (RFC 4013) might change.
    """
    if not password or not (password.isascii() and password.isprintable()):
        raise ValueError("must be printable ASCII, and not empty")
    salted = pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = (b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(ITERATIONS, *encoded)


async def ensure(
    database_url: str,
    *,
    password: str,
    services: Mapping[str, Passwords],
    monitors: Mapping[str, str] | None = None,
) -> None:
    """Create or update roles, schemas and rights of `services`, and the database if it is missing.

    `monitors` are roles that watch the server, and their passwords. Waits up to a minute for the
    server; raises `OSError` or `asyncpg.PostgresError`.
    """
    connection = await _connect(database_url, password)
    try:
        async with connection.transaction():
            # Shared by all databases of the server, as roles are; an advisory lock is not.
            await connection.execute("LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE")
            for name, passwords in services.items():
                await _ensure_role(connection, f"{name}_owner", passwords.owner)
                await _ensure_role(connection, name, passwords.runtime)
            database = await connection.fetchval("SELECT quote_ident(current_database())")
            await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for name in services:
                await connection.execute(_rights(name, database))
            for name, secret in (monitors or {}).items():
                await _ensure_role(connection, name, secret)
                await connection.execute(_watching(name, database))
    finally:
        await connection.close()


async def _connect(database_url: str, password: str) -> asyncpg.Connection:
    url = make_url(database_url)
    waiting = AsyncRetrying(
        stop=stop_after_delay(WAIT_SECONDS),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        retry=retry_if_exception_type((OSError, asyncpg.CannotConnectNowError)),
        reraise=True,
    )

    async def connect(database: str | None) -> asyncpg.Connection:
        return await asyncpg.connect(
            host=url.host,
            port=url.port or 5432,
            user=url.username,
            password=password,
            database=database,
            timeout=5,
            server_settings={"application_name": "roles"},
        )

    try:
        return await waiting(connect, url.database)
    except asyncpg.InvalidCatalogNameError:
        maintenance: asyncpg.Connection = await waiting(connect, "postgres")
    try:
        # Nobody can be connected to template0, which would be in the way.
        await maintenance.execute(f'CREATE DATABASE "{url.database}" TEMPLATE template0')
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # another one of us was faster
    finally:
        await maintenance.close()
    return await waiting(connect, url.database)


async def _ensure_role(connection: asyncpg.Connection, role: str, password: str) -> None:
    exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
    verifier = scram_verifier(password, os.urandom(16))
    await connection.execute(
        f'{"ALTER" if exists else "CREATE"} ROLE "{role}" LOGIN NOSUPERUSER NOCREATEDB '
        f"NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS PASSWORD '{verifier}'"
    )


def _rights(name: str, database: str) -> str:
    """Return the statements that give a service's roles what they need, and nothing else."""
    owner = f"{name}_owner"
    rows = "SELECT, INSERT, UPDATE, DELETE"
    return f"""
        GRANT CONNECT ON DATABASE {database} TO "{name}", "{owner}";
        CREATE SCHEMA IF NOT EXISTS "{name}" AUTHORIZATION "{owner}";
        ALTER SCHEMA "{name}" OWNER TO "{owner}";
        REVOKE ALL ON SCHEMA "{name}" FROM PUBLIC;
        GRANT USAGE ON SCHEMA "{name}" TO "{name}";
        ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA "{name}"
            GRANT {rows} ON TABLES TO "{name}";
        ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA "{name}"
            GRANT USAGE, SELECT ON SEQUENCES TO "{name}";
    """


def _watching(name: str, database: str) -> str:
    # A predefined role: https://www.postgresql.org/docs/current/predefined-roles.html
    return f"""
        GRANT CONNECT ON DATABASE {database} TO "{name}";
        GRANT pg_monitor TO "{name}" WITH INHERIT TRUE;
    """


def _read_passwords(
    directory: Path, services: list[str], monitor: str
) -> tuple[dict[str, Passwords], dict[str, str]]:
    """Read `NAME_owner_password` and `NAME_db_password`, and the latter for the monitoring role.

    Raises `SettingsError` with all faults.
    """
    faults: list[str] = []

    def read(file: str) -> str:
        try:
            password = (directory / file).read_text(encoding="utf-8").strip()
            scram_verifier(password, b"")
        except OSError as error:
            faults.append(f"{directory / file}: {error.strerror}")
        except ValueError as error:
            faults.append(f"{directory / file}: {error}")
        else:
            return password
        return ""

    found = {
        name: Passwords(owner=read(f"{name}_owner_password"), runtime=read(f"{name}_db_password"))
        for name in services
    }
    monitors = {monitor: read(f"{monitor}_db_password")} if monitor else {}
    if faults:
        raise SettingsError(faults)
    return found, monitors


def main(services: list[str]) -> int:
    """Make the roles of `services`; return the exit code."""
    if not services or not all(_NAME.fullmatch(name) for name in services):
        return refuse(MISUSED, "usage: python -m services.kit.roles NAME...")
    try:
        settings = Settings.read()
        passwords, monitors = _read_passwords(
            settings.role_passwords_dir, services, settings.monitoring_role
        )
        asyncio.run(
            ensure(
                settings.database_url,
                password=settings.database_password.get_secret_value(),
                services=passwords,
                monitors=monitors,
            )
        )
    except SettingsError as error:
        return refuse(MISUSED, *error.faults)
    except asyncpg.InvalidPasswordError as error:
        return refuse(FAILED, f"roles: {error}; the server's data were made with another password")
    except (OSError, asyncpg.PostgresError) as error:
        return refuse(FAILED, f"roles: {type(error).__name__}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
