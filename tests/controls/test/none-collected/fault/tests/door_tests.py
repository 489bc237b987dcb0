"""The door opens."""


def test_the_door_opens() -> None:
    assert "open".startswith("o")
