"""Weather readings, the days they became, the risk of each incident, inbox and outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.database import metadata
from services.kit.outbox import cursor_table, inbox_table, outbox_table

revision = "0001"
down_revision = None
phase = "expand"

SHARED = [make(metadata("intelligence")) for make in (outbox_table, cursor_table, inbox_table)]


def upgrade() -> None:
    op.create_table(
        "readings",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        *_floats("lat", "lon", "temperature_c", "humidity_pct", "wind_kmh", "rain_mm"),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("from_noon", sa.Interval, nullable=False),
        sa.UniqueConstraint("number", name="uq_readings_number"),
        sa.CheckConstraint("humidity_pct BETWEEN 0 AND 100", name="ck_readings_humidity_pct"),
        sa.CheckConstraint("wind_kmh >= 0 AND rain_mm >= 0", name="ck_readings_not_negative"),
        schema="intelligence",
    )
    op.create_index(
        "ix_readings_day", "readings", ["station", "day", "from_noon"], schema="intelligence"
    )
    op.create_table(
        "station_days",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        *_floats("lat", "lon", "ffmc", "dmc", "dc", "isi", "bui", "fwi"),
        schema="intelligence",
    )
    op.create_index(
        "ix_station_days_observed_at", "station_days", ["observed_at"], schema="intelligence"
    )
    op.create_table(
        "assessments",
        sa.Column("incident_id", sa.Uuid, primary_key=True),
        sa.Column("incident", JSONB, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("observation_count", sa.Integer, nullable=False),
        *_floats("lat", "lon"),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("indices", JSONB),
        sa.Column("explanation", JSONB, nullable=False),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="ck_assessments_score"),
        schema="intelligence",
    )
    op.create_index(
        "ix_assessments_open",
        "assessments",
        ["lat"],
        postgresql_where=sa.text("NOT closed"),
        schema="intelligence",
    )
    for table in SHARED:
        table.create(op.get_bind())


def downgrade() -> None:
    for table in SHARED:
        table.drop(op.get_bind())
    for name in ("assessments", "station_days", "readings"):
        op.drop_table(name, schema="intelligence")


def _floats(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float, nullable=False) for name in names]
