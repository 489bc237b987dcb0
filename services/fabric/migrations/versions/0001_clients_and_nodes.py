"""Clients, families of refresh tokens, and nodes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("octet_length(secret_sha256) = 32", name="ck_clients_secret_sha256"),
        schema="fabric",
    )
    op.create_table(
        "token_families",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "client_id",
            sa.Text,
            sa.ForeignKey("fabric.clients.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
        schema="fabric",
    )
    op.create_table(
        "nodes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("lat", sa.Float, nullable=False),
        sa.Column("lon", sa.Float, nullable=False),
        sa.Column("range_m", sa.Float, nullable=False),
        sa.Column("capabilities", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("battery_pct", sa.Float),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("last_sent_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("lat BETWEEN -90 AND 90", name="ck_nodes_lat"),
        sa.CheckConstraint("lon BETWEEN -180 AND 180", name="ck_nodes_lon"),
        sa.CheckConstraint("range_m >= 0", name="ck_nodes_range_m"),
        schema="fabric",
    )


def downgrade() -> None:
    op.drop_table("nodes", schema="fabric")
    op.drop_table("token_families", schema="fabric")
    op.drop_table("clients", schema="fabric")
