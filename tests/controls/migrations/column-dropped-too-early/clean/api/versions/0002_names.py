"""Two names instead of one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
phase = "expand"


def upgrade() -> None:
    op.add_column("users", sa.Column("first_name", sa.Text))
