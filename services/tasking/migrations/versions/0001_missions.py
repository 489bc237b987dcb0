"""Missions, their history, what is known of incidents, and events in and out."""

import sqlalchemy as sa
from alembic import op

from services.kit.database import metadata
from services.kit.outbox import inbox_table, outbox_table

revision = "0001"
down_revision = None
phase = "expand"

EVENTS = [make(metadata("tasking")) for make in (inbox_table, outbox_table)]
IS_OPEN = sa.text("status IN ('PENDING', 'DISPATCHED', 'ACCEPTED', 'ON_SCENE')")


def upgrade() -> None:
    op.create_table(
        "missions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("incident_id", sa.Uuid),
        sa.Column("lat", sa.Float, nullable=False),
        sa.Column("lon", sa.Float, nullable=False),
        sa.Column("capability", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("node_id", sa.Uuid),
        sa.Column("distance_m", sa.Float),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "status NOT IN ('DISPATCHED', 'ACCEPTED', 'ON_SCENE') OR node_id IS NOT NULL",
            name="ck_missions_assigned",
        ),
        schema="tasking",
    )
    for column in ("incident_id", "node_id"):
        op.create_index(
            f"uq_missions_open_{column.removesuffix('_id')}",
            "missions",
            [column],
            unique=True,
            postgresql_where=IS_OPEN,
            schema="tasking",
        )
    op.create_index("ix_missions_incident_id", "missions", ["incident_id"], schema="tasking")
    op.create_index("ix_missions_status", "missions", ["status"], schema="tasking")
    op.create_table(
        "moves",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "mission_id",
            sa.Uuid,
            sa.ForeignKey("tasking.missions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("source", sa.String(16)),
        sa.Column("target", sa.String(16), nullable=False),
        sa.Column("node_id", sa.Uuid),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        schema="tasking",
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        schema="tasking",
    )
    for table in EVENTS:
        table.create(op.get_bind())


def downgrade() -> None:
    for table in EVENTS:
        table.drop(op.get_bind())
    for name in ("incidents", "moves", "missions"):
        op.drop_table(name, schema="tasking")
