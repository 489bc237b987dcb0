"""The table of rides."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "rides",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rider", sa.Text, nullable=False),
        sa.Column("bike", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("rides")
