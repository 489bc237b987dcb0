"""Brings a service's schema to its last migration: `python -m services.kit.migrate NAME`.

Runs as the schema's owner, in one transaction: all migrations that are due, or none. Any number may
run at once; one works and the others wait for it. A serving process never imports this module.
"""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from services.kit import revisions
from services.kit.command import FAILED, MISUSED, refuse
from services.kit.faults import problem_of
from services.kit.settings import CommandSettings, SettingsError

# How long to wait for the server to come up, and then for another one that migrates.
WAIT_SECONDS = 60
ENVIRONMENT = Path(__file__).parent / "migration_environment"


async def upgrade(
    service: str, database_url: str, *, password: str, wait_seconds: float = WAIT_SECONDS
) -> None:
    """Apply the migrations of `service` that are due.

    Raises `OSError` or `SQLAlchemyError` when the database stays away or another migration does not
    end within `wait_seconds`, and whatever a migration raises, after which nothing has changed.
    """
    engine = create_async_engine(
        make_url(database_url).set(drivername="postgresql+asyncpg", password=password),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "timeout": 5,
            "server_settings": {
                "application_name": f"{service} migrate",
                "search_path": service,
                # Also bounds the wait for the advisory lock.
                "lock_timeout": f"{wait_seconds * 1000:.0f}",
                "timezone": "UTC",
            },
        },
    )
    until_up = AsyncRetrying(
        stop=stop_after_delay(wait_seconds),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        retry=retry_if_exception(_is_away),
        reraise=True,
    )
    connection: AsyncConnection = await until_up(engine.connect().start)
    try:
        async with connection.begin():
            lock = text("SELECT pg_advisory_xact_lock(hashtext('migrate'), hashtext(:service))")
            await connection.execute(lock, {"service": service})
            await connection.run_sync(_apply, service)
    finally:
        await connection.close()


def _is_away(error: BaseException) -> bool:
    """Tell whether the server is not up yet; a wrong password, say, is not worth waiting for."""
    return problem_of(error) is not None and not _is_refused(error)


def _is_refused(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")) == "28P01"


def _apply(connection: Connection, service: str) -> None:
    config = Config(attributes={"connection": connection, "schema": service})
    _set_path(config, "script_location", ENVIRONMENT)
    _set_path(config, "version_locations", revisions.folder(service) / "versions")
    config.set_main_option("path_separator", "newline")
    command.upgrade(config, "head")
    # Made by the owner's default privileges writable for the service, which has no business there.
    connection.execute(
        text(f'REVOKE INSERT, UPDATE, DELETE ON "{service}".alembic_version FROM "{service}"')
    )


def _set_path(config: Config, option: str, path: Path) -> None:
    # The option is read with interpolation.
    config.set_main_option(option, str(path).replace("%", "%%"))


def main(arguments: list[str]) -> int:
    """Migrate the service named in `arguments`; return the exit code."""
    if len(arguments) != 1 or not arguments[0].isidentifier():
        return refuse(MISUSED, "usage: python -m services.kit.migrate NAME")
    (service,) = arguments
    try:
        settings = CommandSettings.read()
        password = settings.database_password.get_secret_value()
        asyncio.run(upgrade(service, settings.database_url, password=password))
    except SettingsError as error:
        return refuse(MISUSED, *error.faults)
    except (OSError, SQLAlchemyError, CommandError) as error:
        return refuse(FAILED, f"migrations of {service}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
