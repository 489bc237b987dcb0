"""When the door was opened."""

from datetime import UTC, datetime


def opened() -> datetime:
    return datetime.now(UTC)
