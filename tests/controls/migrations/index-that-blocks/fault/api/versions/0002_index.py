"""Users are found by name."""

from alembic import op

revision = "0002"
down_revision = "0001"
phase = "expand"


def upgrade() -> None:
    op.create_index("ix_users_name", "users", ["name"])
