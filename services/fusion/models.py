"""What fusion keeps: observations, the incidents they became, and what is still to be told."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Enum, Float, ForeignKey, Identity, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.fusion.incident import Status
from services.kit.database import metadata
from services.kit.outbox import cursor_table, outbox_table


class Base(DeclarativeBase):
    metadata = metadata("fusion")
    type_annotation_map: ClassVar = {
        str: Text,
        datetime: DateTime(timezone=True),
        float: Float,
        UUID: Uuid,
        dict[str, Any]: JSONB,
        Status: Enum(Status, native_enum=False, length=16),
    }


class IncidentRow(Base):
    """The stored form of `services.fusion.incident.Incident`."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_place", "lat", postgresql_where="status <> 'CLOSED'"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    status: Mapped[Status]
    lat: Mapped[float]
    lon: Mapped[float]
    uncertainty_m: Mapped[float]
    confidence: Mapped[float]
    observation_count: Mapped[int]
    kinds: Mapped[dict[str, Any]]
    sources: Mapped[dict[str, Any]]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class ObservationRow(Base):
    __tablename__ = "observations"
    __table_args__ = (Index("ix_observations_incident", "incident_id", "observed_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    uncertainty_m: Mapped[float]
    confidence: Mapped[float]
    source: Mapped[str]
    observed_at: Mapped[datetime]
    incident_id: Mapped[UUID] = mapped_column(ForeignKey(IncidentRow.id))


OUTBOX = outbox_table(Base.metadata)
CURSORS = cursor_table(Base.metadata)
