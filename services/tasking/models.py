"""What tasking keeps: missions with their history, and how far each incident is known."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Identity,
    Index,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.database import metadata
from services.kit.outbox import inbox_table, outbox_table
from services.tasking.states import OPEN, Status

IS_OPEN = text(f"status IN ({', '.join(repr(status.value) for status in sorted(OPEN))})")


class Base(DeclarativeBase):
    metadata = metadata("tasking")
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        float: Float,
        UUID: Uuid,
        Status: Enum(Status, native_enum=False, length=16),
    }


class Mission(Base):
    """Something to be done somewhere by one node."""

    __tablename__ = "missions"
    __table_args__ = (
        # Two replicas can neither open two missions for one incident nor send one node twice.
        Index("uq_missions_open_incident", "incident_id", unique=True, postgresql_where=IS_OPEN),
        Index("uq_missions_open_node", "node_id", unique=True, postgresql_where=IS_OPEN),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID | None]
    lat: Mapped[float]
    lon: Mapped[float]
    capability: Mapped[str]
    note: Mapped[str | None]
    status: Mapped[Status]
    node_id: Mapped[UUID | None]
    distance_m: Mapped[float | None]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deadline_at: Mapped[datetime | None]


class Move(Base):
    """One change of a mission's status: who, when, why, and with which node."""

    __tablename__ = "moves"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    mission_id: Mapped[UUID] = mapped_column(ForeignKey(Mission.id, ondelete="CASCADE"), index=True)
    source: Mapped[Status | None]
    target: Mapped[Status]
    node_id: Mapped[UUID | None]
    by: Mapped[str]
    reason: Mapped[str | None]
    at: Mapped[datetime]


class Incident(Base):
    """The newest event of an incident that was taken in: nothing older may undo it."""

    __tablename__ = "incidents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event_at: Mapped[datetime]
    closed: Mapped[bool]


INBOX = inbox_table(Base.metadata)
OUTBOX = outbox_table(Base.metadata)
