"""What a path looked like: the numbers by which Git's index, too, tells that a file changed.

Time of modification and of status change, size and inode. What changed too recently for its times
to tell a later change is remembered as never seen ("racily clean" in Git's words).
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable

WIDTH = 4  # numbers a path is remembered by: mtime and ctime in nanoseconds, size, inode
TICK = 20_000_000  # nanoseconds: the coarsest clock a kernel stamps files with
COARSE_TICK = 2_000_000_000  # on file systems that keep whole seconds
_NEVER = (0, 0, 0, 0)
_MOST = 0x7FFF_FFFF_FFFF_FFFF  # that a number can be


def stats(paths: Iterable[str]) -> array[int]:
    """`WIDTH` numbers a path, in order; zeros where there is nothing. Links are not followed."""
    numbers = array("q")
    extend, lstat = numbers.extend, os.lstat
    for path in paths:
        try:
            it = lstat(path)
            extend((it.st_mtime_ns, it.st_ctime_ns, it.st_size, it.st_ino & _MOST))
        except OSError:
            extend(_NEVER)
        except OverflowError:  # it is said to be of after the year 2262
            extend((_MOST, it.st_ctime_ns, it.st_size, it.st_ino & _MOST))
    return numbers


def of(numbers: array[int], indices: Iterable[int]) -> array[int]:
    """Those of the paths at these indices."""
    chosen = array("q")
    for at in indices:
        chosen += numbers[at * WIDTH : at * WIDTH + WIDTH]
    return chosen


def without_racy(numbers: array[int], seen: int) -> array[int]:
    """The same numbers, with zeros for what changed too short before `seen`, in nanoseconds.

    Such a path may change once more without its times telling, so it is to be read again.
    """
    settled = array("q", numbers)
    for at in range(1, len(settled), WIDTH):
        age = seen - settled[at]
        if age < TICK or (age < COARSE_TICK and settled[at] % 1_000_000_000 == 0):
            settled[at - 1 : at - 1 + WIDTH] = array("q", _NEVER)
    return settled


def differing(before: array[int], after: array[int]) -> list[int]:
    """Indices of the paths whose numbers differ; both arrays have the same length."""
    old, new = memoryview(before), memoryview(after)
    found: list[int] = []
    spans = [(0, len(old) // WIDTH)]
    while spans:
        start, end = spans.pop()
        if old[start * WIDTH : end * WIDTH] == new[start * WIDTH : end * WIDTH]:
            continue
        if end - start == 1:
            found.append(start)
            continue
        middle = (start + end) // 2
        spans += [(middle, end), (start, middle)]
    return found
