"""Observations, the incidents they became, and the outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.database import metadata
from services.kit.outbox import cursor_table, outbox_table

revision = "0001"
down_revision = None
phase = "expand"

SHARED = [make(metadata("fusion")) for make in (outbox_table, cursor_table)]


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("lat", sa.Float, nullable=False),
        sa.Column("lon", sa.Float, nullable=False),
        sa.Column("uncertainty_m", sa.Float, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("observation_count", sa.Integer, nullable=False),
        sa.Column("kinds", JSONB, nullable=False),
        sa.Column("sources", JSONB, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("number", name="uq_incidents_number"),
        sa.CheckConstraint(
            "status IN ('SUSPECTED', 'CONFIRMED', 'CLOSED')", name="ck_incidents_status"
        ),
        sa.CheckConstraint("first_seen_at <= last_seen_at", name="ck_incidents_seen"),
        schema="fusion",
    )
    op.create_index(
        "ix_incidents_place",
        "incidents",
        ["lat"],
        postgresql_where=sa.text("status <> 'CLOSED'"),
        schema="fusion",
    )
    op.create_table(
        "observations",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("lat", sa.Float, nullable=False),
        sa.Column("lon", sa.Float, nullable=False),
        sa.Column("uncertainty_m", sa.Float, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("incident_id", sa.Uuid, sa.ForeignKey("fusion.incidents.id"), nullable=False),
        sa.CheckConstraint("confidence > 0 AND confidence < 1", name="ck_observations_confidence"),
        schema="fusion",
    )
    op.create_index(
        "ix_observations_incident", "observations", ["incident_id", "observed_at"], schema="fusion"
    )
    for table in SHARED:
        table.create(op.get_bind())


def downgrade() -> None:
    for table in SHARED:
        table.drop(op.get_bind())
    for name in ("observations", "incidents"):
        op.drop_table(name, schema="fusion")
