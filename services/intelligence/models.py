"""What intelligence keeps: weather, the days it made up, and each incident with its risk."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Float, Identity, Index, Interval, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.database import metadata
from services.kit.outbox import cursor_table, inbox_table, outbox_table


class Base(DeclarativeBase):
    metadata = metadata("intelligence")
    type_annotation_map: ClassVar = {
        str: Text,
        date: Date,
        datetime: DateTime(timezone=True),
        timedelta: Interval,
        float: Float,
        UUID: Uuid,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


class Reading(Base):
    """Weather as a station sent it; `day` and `from_noon` are in its local mean time."""

    __tablename__ = "readings"
    __table_args__ = (Index("ix_readings_day", "station", "day", "from_noon"),)

    station: Mapped[str] = mapped_column(primary_key=True)
    observed_at: Mapped[datetime] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    lat: Mapped[float]
    lon: Mapped[float]
    temperature_c: Mapped[float]
    humidity_pct: Mapped[float]
    wind_kmh: Mapped[float]
    rain_mm: Mapped[float]
    day: Mapped[date]
    from_noon: Mapped[timedelta]


class StationDay(Base):
    """The indices of one day at one station; `observed_at` is the reading they come from."""

    __tablename__ = "station_days"

    station: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    observed_at: Mapped[datetime] = mapped_column(index=True)
    lat: Mapped[float]
    lon: Mapped[float]
    ffmc: Mapped[float]
    dmc: Mapped[float]
    dc: Mapped[float]
    isi: Mapped[float]
    bui: Mapped[float]
    fwi: Mapped[float]


class Assessment(Base):
    """An incident as it was last heard of, and the risk that follows."""

    __tablename__ = "assessments"
    __table_args__ = (Index("ix_assessments_open", "lat", postgresql_where="NOT closed"),)

    incident_id: Mapped[UUID] = mapped_column(primary_key=True)
    incident: Mapped[dict[str, Any]]
    closed: Mapped[bool]
    observation_count: Mapped[int]
    lat: Mapped[float]
    lon: Mapped[float]
    score: Mapped[float]
    level: Mapped[str]
    indices: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    explanation: Mapped[list[dict[str, Any]]]
    assessed_at: Mapped[datetime]


INBOX = inbox_table(Base.metadata)
OUTBOX = outbox_table(Base.metadata)
CURSORS = cursor_table(Base.metadata)
