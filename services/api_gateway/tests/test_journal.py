"""The journal of a feed."""

import asyncio

import pytest

from services.api_gateway.journal import Event, Journal, LaggedError


def filled(*cursors: str, size: int = 3) -> Journal:
    journal = Journal("start", size=size)
    for cursor in cursors:
        journal.append(Event(cursor, cursor.encode()))
    return journal


async def after(journal: Journal, cursor: str) -> list[str]:
    place = journal.place(cursor)
    assert place is not None
    return [event.cursor for event in await journal.after(place)]


async def test_what_follows_a_cursor_is_given_in_order() -> None:
    journal = filled("a", "b", "c")

    assert await after(journal, "start") == ["a", "b", "c"]
    assert await after(journal, "b") == ["c"]


async def test_the_cursor_just_before_the_oldest_event_kept_is_still_known() -> None:
    journal = filled("a", "b", "c", "d", "e")

    assert await after(journal, "b") == ["c", "d", "e"]
    assert journal.place("a") is None
    assert journal.place("never") is None


async def test_who_waits_is_woken_by_the_next_event() -> None:
    journal = filled("a")
    waiting = asyncio.create_task(journal.after(1))
    await asyncio.sleep(0)

    journal.append(Event("b", b""))

    assert [event.cursor for event in await waiting] == ["b"]


async def test_who_falls_behind_what_is_kept_is_told_so() -> None:
    journal = filled("a", "b", "c", "d", "e")

    with pytest.raises(LaggedError):
        await journal.after(1)
