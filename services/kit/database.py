"""PostgreSQL for a service: bounded in time and connections, and back at once after a crash."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Annotated, Any, Self, cast

from fastapi import Depends, Request
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import MetaData, event, make_url, text
from sqlalchemy.exc import InvalidatePoolError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import QueuePool

from services.kit import revisions
from services.kit.faults import problem_of
from services.kit.metrics import Measured
from services.kit.problems import Code, Problem
from services.kit.settings import DatabaseSettings

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata(schema: str) -> MetaData:
    """Return the metadata of a service's tables; all of them live in `schema`."""
    return MetaData(schema=schema, naming_convention=NAMING)


class Database(Measured):
    """A pool of connections to the service's own schema, which has the name of its role.

    An async context manager that closes the pool: give it to the kit as a resource.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.schema = str(make_url(settings.database_url).username)
        self.engine = _engine(settings, self.schema)
        # Set whenever a transaction of this process that emitted events was committed.
        self.emitted: set[asyncio.Event] = set()
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._history = revisions.history(self.schema)
        self._pool_timeouts = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose work is committed at the end, or rolled back on an exception.

        Raises `Problem` unavailable while PostgreSQL is away or busy, and validation_failed for a
        value it cannot hold; `IntegrityError` passes through.
        """
        with self.translated():
            async with self._sessions() as session:
                yield session
                await session.commit()
        if session.info.get("emitted"):
            self.wake()

    def translated(self) -> "_Translation":
        """Return a context in which failures of PostgreSQL become a `Problem`."""
        return _Translation(self)

    def wake(self) -> None:
        """Tell whoever waits for events of this process that there are some."""
        for waiting in self.emitted:
            waiting.set()

    async def check(self) -> None:
        """Raise `Problem` unless PostgreSQL answers and the schema lacks no migration."""
        with self.translated():
            async with self.engine.connect() as connection:
                if self._history.head is None:
                    await connection.execute(text("SELECT 1"))
                    return
                table = await connection.scalar(text("SELECT to_regclass('alembic_version')::text"))
                found = None
                if table:
                    found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        if self._history.is_behind(found):
            detail = f"the schema is at migration {found}, not yet at {self._history.head}"
            raise Problem(Code.UNAVAILABLE, detail)

    def note(self, error: BaseException) -> None:
        """Count `error` when it says that the pool was exhausted."""
        self._pool_timeouts += isinstance(error, PoolTimeout)

    def collect(self) -> Iterator[Metric]:
        pool = cast(QueuePool, self.engine.pool)
        connections = GaugeMetricFamily(
            "db_pool_connections", "Connections to PostgreSQL.", labels=["state"]
        )
        connections.add_metric(["in_use"], pool.checkedout())
        connections.add_metric(["idle"], pool.checkedin())
        yield connections
        yield GaugeMetricFamily("db_pool_size", "Most connections there may be.", pool.size())
        yield CounterMetricFamily(
            "db_pool_timeouts", "Requests that got no connection in time.", self._pool_timeouts
        )


class _Translation:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            return
        self._database.note(error)
        if problem := problem_of(error):
            raise problem from error


def _engine(settings: DatabaseSettings, schema: str) -> AsyncEngine:
    url = make_url(settings.database_url).set(
        drivername="postgresql+asyncpg",
        password=settings.database_password.get_secret_value(),
    )
    engine = create_async_engine(
        url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_pool_timeout_seconds,
        # The least used connections stay idle, so that the server may be given them back.
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "timeout": settings.database_connect_timeout_seconds,
            # Beyond what the server itself allows: ends the wait for a server that fell silent.
            "command_timeout": settings.database_statement_timeout_seconds + 2,
            "server_settings": server_settings(settings, schema),
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


def server_settings(settings: DatabaseSettings, schema: str) -> dict[str, str]:
    """Return what each connection sets for itself."""
    return {
        "application_name": schema,
        "search_path": schema,
        "timezone": "UTC",
        "statement_timeout": f"{settings.database_statement_timeout_seconds * 1000:.0f}",
        "lock_timeout": f"{settings.database_lock_timeout_seconds * 1000:.0f}",
        "idle_in_transaction_session_timeout": "30000",
        # Compiling costs more than it gains for queries as small as ours.
        "jit": "off",
    }


def _refuse_dead(connection: Any, _record: object, _proxy: object) -> None:
    """Drop the whole pool when a connection was closed by the server: it was restarted.

    The driver has noticed by itself, so this costs no round trip, unlike a ping.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    database = cast(Database, request.app.state.database)
    async with database.session() as session:
        yield session


# Its scope ends before the response is sent: an answer of success is never followed by a rollback.
SessionDep = Annotated[AsyncSession, Depends(_session, scope="function")]
