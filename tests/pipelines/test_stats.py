"""Numbers by which a changed file is told from the same one."""

from __future__ import annotations

import os
from array import array
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from pipelines.checkout.stats import COARSE_TICK, TICK, WIDTH, differing, stats, without_racy

NOW = 1_900_000_000_123_456_789
ROW = st.sampled_from([[0, 0, 0, 0], [1, 2, 3, 4], [1, 2, 3, 5], [2, 2, 3, 4]])


def flat(rows: list[list[int]]) -> array[int]:
    return array("q", [number for row in rows for number in row])


def test_each_path_has_its_numbers_and_what_is_not_there_has_zeros(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("it")
    (tmp_path / "link").symlink_to("nothing")
    about = file.stat()

    numbers = stats(
        [str(file), str(tmp_path / "none"), str(file / "below"), str(tmp_path / "link")]
    )

    assert numbers[:WIDTH].tolist() == [about.st_mtime_ns, about.st_ctime_ns, 2, about.st_ino]
    assert not any(numbers[WIDTH : 3 * WIDTH])
    assert numbers[3 * WIDTH + 2] == len("nothing")  # of the link, not of what it leads to


def test_a_file_of_a_time_that_no_number_holds_is_told_by_the_others(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.utime(file, ns=(10**19, 10**19))  # in the year 2286
    about = file.stat()

    numbers = stats([str(file), str(tmp_path)])

    assert numbers[:WIDTH].tolist() == [2**63 - 1, about.st_ctime_ns, 0, about.st_ino]
    assert numbers[WIDTH + 3] == tmp_path.stat().st_ino


@given(rows=st.lists(st.tuples(ROW, ROW), max_size=20))
def test_what_differs_is_found_wherever_it_is(rows: list[tuple[list[int], list[int]]]) -> None:
    before, after = flat([row for row, _ in rows]), flat([row for _, row in rows])

    expected = [at for at, (was, now) in enumerate(rows) if was != now]
    assert sorted(differing(before, after)) == expected


@pytest.mark.parametrize(
    ("changed", "is_kept"),
    [
        (NOW - TICK, True),
        (NOW - TICK + 1, False),
        (NOW, False),
        (NOW + 10**9, False),  # a clock that was put back
        ((NOW - COARSE_TICK) // 10**9 * 10**9, True),  # on a file system with whole seconds
        ((NOW - COARSE_TICK) // 10**9 * 10**9 + 10**9, False),
    ],
)
def test_what_may_change_again_without_telling_is_forgotten(changed: int, is_kept: bool) -> None:
    numbers = array("q", [5, NOW - 10**12, 6, 7, 1, changed, 2, 3])

    kept = without_racy(numbers, NOW)

    assert kept[:WIDTH] == numbers[:WIDTH]
    assert kept[WIDTH:].tolist() == ([1, changed, 2, 3] if is_kept else [0, 0, 0, 0])
    assert numbers[WIDTH + 1] == changed  # what was handed in stays
