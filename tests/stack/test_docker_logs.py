"""Following what containers print, until the last of them or their engine has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import requests

from pipelines.stack.docker import logs


@dataclass(frozen=True)
class FakeContainer:
    """Prints these chunks, and then its engine ends or it does."""

    chunks: tuple[bytes, ...]
    ended_by: Exception | None = None

    def logs(self, **_: object) -> Iterator[bytes]:
        yield from self.chunks
        if self.ended_by:
            raise self.ended_by


def follow(**containers: FakeContainer) -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    logs.follow(cast(Any, containers), lambda name, line: shown.append((name, line)))
    return shown


def test_lines_are_shown_whole_however_they_come() -> None:
    shown = follow(one=FakeContainer((b"a l", b"ine\nand ", b"another\n")))

    assert shown == [("one", "a line"), ("one", "and another")]


def test_it_ends_with_the_last_container() -> None:
    shown = follow(one=FakeContainer((b"1\n",)), other=FakeContainer((b"2\n",)))

    assert sorted(shown) == [("one", "1"), ("other", "2")]


def test_an_engine_that_does_not_answer_is_not_waited_for() -> None:
    with pytest.raises(requests.ConnectionError):
        follow(one=FakeContainer((), requests.ConnectionError()), other=FakeContainer(()))
