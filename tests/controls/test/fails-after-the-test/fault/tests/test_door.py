"""The door is shut behind every guest."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def door() -> Iterator[list[str]]:
    guests: list[str] = []
    yield guests
    assert guests == []


def test_a_guest_passes(door: list[str]) -> None:
    door.append("ada")
    assert door == ["ada"]
