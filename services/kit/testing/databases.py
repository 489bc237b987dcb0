"""Databases for tests: fresh, migrated, emptied, and compared with the models."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, delete, make_url, text

from services.kit import migrate, revisions, roles
from services.kit.database import Database
from services.kit.settings import DatabaseSettings


class Server(Protocol):
    """A running PostgreSQL, as the `postgres` fixture gives it."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def superuser(self) -> str: ...
    @property
    def password(self) -> str: ...


async def migrated(postgres: Server, service: str) -> dict[str, Any]:
    """Make a fresh database with the roles and tables of `service`.

    Returns keyword arguments for the service's `Settings`: `Settings(**await migrated(...), ...)`.
    """
    template = f"{service}_{_digest_of_migrations(service)}"
    try:
        return await with_roles(postgres, service, template=template)
    except asyncpg.InvalidCatalogNameError:
        await _make_template(postgres, service, template)
    return await with_roles(postgres, service, template=template)


async def with_roles(
    postgres: Server, service: str, *, template: str = "template0"
) -> dict[str, Any]:
    """Make a fresh database with the roles of `service` and its schema, as `template` has it."""
    database = f"test_{secrets.token_hex(8)}"
    await _create(postgres, database, template)
    place = f"{postgres.host}:{postgres.port}/{database}"
    await roles.ensure(
        f"postgresql://{postgres.superuser}@{place}",
        password=postgres.password,
        # All databases of a server share its roles, so every test must give them one password.
        services={service: roles.Passwords(owner=postgres.password, runtime=postgres.password)},
    )
    return {
        "database_url": f"postgresql://{service}@{place}",
        "database_password": postgres.password,
    }


@asynccontextmanager
async def emptied(settings: DatabaseSettings, metadata: MetaData) -> AsyncIterator[Database]:
    """Give the database of a service without a row in the tables of its models."""
    async with Database(settings) as database:
        async with database.session() as session:
            for table in reversed(metadata.sorted_tables):
                await session.execute(delete(table))
        yield database


async def differences(database: Database, metadata: MetaData) -> list[Any]:
    """Return what a migration would still have to change to make the tables of the models."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_differences, metadata)


def _differences(connection: Connection, metadata: MetaData) -> list[Any]:
    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return name == metadata.schema if kind == "schema" else name != "alembic_version"

    # Alembic leaves the name of the default schema out, where the models write it.
    connection.execute(text("SET search_path TO public"))
    connection.dialect.default_schema_name = "public"
    options = {"include_schemas": True, "include_name": is_ours, "compare_type": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata))


def _digest_of_migrations(service: str) -> str:
    digest = sha256()
    for path in sorted(revisions.folder(service).glob("versions/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


async def _make_template(postgres: Server, service: str, template: str) -> None:
    """Migrate one database that the others are copied from, which is ten times as fast."""
    values = await with_roles(postgres, service)
    url = make_url(values["database_url"])
    owner = url.set(username=f"{service}_owner").render_as_string()
    await migrate.upgrade(service, owner, password=postgres.password)
    async with _connected(postgres) as connection:
        # Whoever was faster has made the same.
        with suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f'ALTER DATABASE "{url.database}" RENAME TO "{template}"')


async def _create(postgres: Server, database: str, template: str) -> None:
    async with _connected(postgres) as connection:
        if await connection.fetchval("SHOW fsync") == "on":
            # A server for tests has nothing to lose but time.
            await connection.execute("ALTER SYSTEM SET fsync = off")
            await connection.execute("SELECT pg_reload_conf()")
        await connection.execute(
            f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy'
        )


@asynccontextmanager
async def _connected(postgres: Server) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        host=postgres.host,
        port=postgres.port,
        user=postgres.superuser,
        password=postgres.password,
        database="postgres",
    )
    try:
        yield connection
    finally:
        await connection.close()
