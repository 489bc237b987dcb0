"""The door says when it was opened."""

from datetime import UTC, datetime


def test_the_epoch_is_in_1970() -> None:
    assert datetime.fromtimestamp(0, UTC).year == 1970
