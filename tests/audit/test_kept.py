"""What is kept, and that it never takes more room than there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.audit.kept import Kept


@pytest.fixture
def numbers() -> Iterator[int]:
    """A new one each time something is made."""
    return iter(range(100))


def test_it_is_made_once(numbers: Iterator[int]) -> None:
    kept: Kept[int] = Kept(100)

    found = [kept.get("a", lambda: next(numbers), lambda _: 1) for _ in range(3)]

    assert found == [0, 0, 0]


def test_the_first_stay_when_there_is_no_more_room(numbers: Iterator[int]) -> None:
    kept: Kept[int] = Kept(100)
    for name in "abcde":
        kept.get(name, lambda: next(numbers), lambda _: 25)

    again = {name: kept.get(name, lambda: next(numbers), lambda _: 25) for name in "abcde"}

    assert again == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 5}


def test_what_would_take_much_of_the_room_is_not_kept(numbers: Iterator[int]) -> None:
    kept: Kept[int] = Kept(100)

    found = [kept.get("a", lambda: next(numbers), lambda _: 26) for _ in range(2)]

    assert found == [0, 1]


def test_what_is_nothing_is_kept_too() -> None:
    kept: Kept[None] = Kept(100)
    made: list[str] = []

    for _ in range(2):
        kept.get("a", lambda: made.append("a"), lambda _: 0)

    assert made == ["a"]
