"""The door opens."""

import pytest


@pytest.mark.xfail(reason="the lock is frozen", raises=ValueError)
def test_the_door_opens() -> None:
    assert int("one") == 1


def test_the_door_shuts() -> None:
    assert int("0") == 0
