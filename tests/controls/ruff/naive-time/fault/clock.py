"""When the door was opened."""

from datetime import datetime


def opened() -> datetime:
    return datetime.now()
