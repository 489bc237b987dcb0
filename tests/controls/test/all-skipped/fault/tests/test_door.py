"""The door opens."""

import pytest

pytestmark = pytest.mark.skip(reason="the door is being painted")


def test_the_door_opens() -> None:
    assert "open".startswith("o")
