"""The tables of outbox, cursors and inbox, and the statements on them.

A migration makes them by `outbox_table(metadata("fusion")).create(op.get_bind())`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from re import compile as pattern
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    column,
    extract,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

# Transaction ids are kept as bigint: the driver knows no xid8, and 63 bits are enough.
_TRANSACTION = text("(pg_current_xact_id()::text::bigint)")
_RUNNING = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger)
# Found by the search path, so that nobody need hand the service's own tables around.
_OUTBOX = table("outbox", column("topic", Text), column("data", JSONB))
_CURSORS = table(
    "outbox_cursors",
    column("subscriber", Text),
    column("transaction", BigInteger),
    column("id", BigInteger),
)
_CURSOR = pattern(r"([0-9]{1,18})-([0-9]{1,18})")


@dataclass(frozen=True, order=True)
class Cursor:
    """A place in the order of events; its text is an event's id."""

    transaction: int = 0
    id: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a cursor; raises `ValueError`."""
        match = _CURSOR.fullmatch(text)
        if not match:
            raise ValueError("not a cursor")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.transaction}-{self.id}"


@dataclass(frozen=True)
class Event:
    """Something that happened; `id` is unique within its source and sorts by `Cursor.parse`."""

    id: str
    topic: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Events in order, and whether more are stored that a running transaction still holds back."""

    events: Sequence[Event]
    is_held_back: bool


def outbox_table(metadata: MetaData) -> Table:
    """Return the table of emitted events."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True)),
        Column("transaction", BigInteger, nullable=False, server_default=_TRANSACTION),
        Column("topic", Text, nullable=False),
        Column(
            "at",
            DateTime(timezone=True),
            nullable=False,
            server_default=text("clock_timestamp()"),
        ),
        Column("data", JSONB, nullable=False),
        PrimaryKeyConstraint("transaction", "id"),
    )


def cursor_table(metadata: MetaData) -> Table:
    """Return the table of how far each subscriber of a `Relay` has got."""
    return Table(
        "outbox_cursors",
        metadata,
        Column("subscriber", Text, primary_key=True),
        Column("transaction", BigInteger, nullable=False),
        Column("id", BigInteger, nullable=False),
    )


def inbox_table(metadata: MetaData) -> Table:
    """Return the table of events received from others."""
    return Table(
        "inbox",
        metadata,
        Column("source", Text, primary_key=True),
        Column("event_id", Text, primary_key=True),
        Column(
            "received_at", DateTime(timezone=True), nullable=False, server_default=text("now()")
        ),
    )


async def emit(session: AsyncSession, topic: str, payload: dict[str, Any]) -> None:
    """Store an event in the session's transaction; `payload` must be JSON."""
    await session.execute(insert(_OUTBOX).values(topic=topic, data=payload))
    session.info["emitted"] = True


async def already_seen(session: AsyncSession, inbox: Table, source: str, event_id: str) -> bool:
    """Note that an event was received; tell whether it had been before, if many ask at once."""
    statement = (
        upsert(inbox)
        .values(source=source, event_id=event_id)
        .on_conflict_do_nothing()
        .returning(inbox.c.event_id)
    )
    return await session.scalar(statement) is None


async def read(connection: AsyncConnection, outbox: Table, after: Cursor, limit: int) -> Page:
    """Return the settled events after a cursor, in order."""
    place = tuple_(outbox.c.transaction, outbox.c.id)
    statement = (
        select(
            outbox.c.transaction,
            outbox.c.id,
            outbox.c.topic,
            outbox.c.at,
            outbox.c.data,
            (outbox.c.transaction < _RUNNING).label("settled"),
        )
        .where(place > tuple_(after.transaction, after.id))
        .order_by(outbox.c.transaction, outbox.c.id)
        .limit(limit)
    )
    rows = (await connection.execute(statement)).all()
    settled = list(takewhile(lambda row: row.settled, rows))
    events = [
        Event(str(Cursor(row.transaction, row.id)), row.topic, row.at, row.data) for row in settled
    ]
    return Page(events, is_held_back=len(settled) < len(rows))


async def head(connection: AsyncConnection, outbox: Table) -> Cursor:
    """Return the place of the last settled event: whatever settles later comes after it."""
    place = (outbox.c.transaction, outbox.c.id)
    statement = select(*place).where(outbox.c.transaction < _RUNNING)
    newest_first = statement.order_by(*(part.desc() for part in place)).limit(1)
    row = (await connection.execute(newest_first)).first()
    return Cursor(*row) if row else Cursor()


async def age_of_next(connection: AsyncConnection, outbox: Table, after: Cursor) -> float:
    """Return for how many seconds the first event after a cursor has waited; 0 without one."""
    age = extract("epoch", func.clock_timestamp() - outbox.c.at)
    statement = (
        select(age)
        .where(tuple_(outbox.c.transaction, outbox.c.id) > tuple_(after.transaction, after.id))
        .order_by(outbox.c.transaction, outbox.c.id)
        .limit(1)
    )
    return float(await connection.scalar(statement) or 0)


async def load_cursor(connection: AsyncConnection, subscriber: str) -> Cursor:
    """Return how far a subscriber has got."""
    statement = select(_CURSORS.c.transaction, _CURSORS.c.id)
    row = (await connection.execute(statement.where(_CURSORS.c.subscriber == subscriber))).first()
    return Cursor(*row) if row else Cursor()


async def save_cursor(connection: AsyncConnection, subscriber: str, cursor: Cursor) -> None:
    """Remember how far a subscriber has got."""
    place = {"transaction": cursor.transaction, "id": cursor.id}
    statement = upsert(_CURSORS).values(subscriber=subscriber, **place)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["subscriber"], set_=place)
    )
