"""Which files a step's patterns name.

The notation is that of .gitignore (https://git-scm.com/docs/gitignore), anchored at the root; a
later pattern overrides an earlier one and `!` excludes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

_SPECIAL = re.compile(r"[*?\[\\]")
_AFTER_SLASH = chr(ord("/") + 1)


def select(patterns: Sequence[str], paths: Sequence[str]) -> list[int]:
    """Indices of the paths that the patterns name, in order; `paths` are sorted."""
    chosen: set[int] = set()
    for pattern in patterns:
        if pattern.startswith("!"):
            chosen.difference_update(matching(pattern[1:], paths))
        else:
            chosen.update(matching(pattern, paths))
    return sorted(chosen)


def matching(pattern: str, paths: Sequence[str]) -> Iterator[int]:
    """Indices of the paths that one pattern names: a file, or all below a folder.

    Only what is below the pattern's fixed folders is looked at, so that many components with
    patterns of their own cost no more than their own files.
    """
    pattern = pattern.removeprefix("/")
    fixed = fixed_part(pattern)
    start = bisect_left(paths, fixed + "/") if fixed else 0
    end = bisect_left(paths, fixed + _AFTER_SLASH) if fixed else len(paths)
    if fixed == pattern.rstrip("/"):
        at = bisect_left(paths, fixed)
        if at < len(paths) and paths[at] == fixed and not pattern.endswith("/"):
            yield at
        yield from range(start, end)
    else:
        below = pattern[len(fixed) :].lstrip("/")
        is_named = _any_depth(below, len(fixed) + 1 if fixed else 0) or _spec(pattern)
        yield from (at for at in range(start, end) if is_named(paths[at]))


def folders(patterns: Sequence[str], known: Sequence[str]) -> set[str]:
    """Of the known folders, sorted, those in which a new file may be one that the patterns name."""
    found: set[str] = set()
    for pattern in patterns:
        if pattern.startswith("!"):
            continue
        top = fixed_part(pattern)
        start = bisect_left(known, top + "/") if top else 0
        end = bisect_left(known, top + _AFTER_SLASH) if top else len(known)
        found.update((_nearest(top, known), *known[start:end]))
    return found


def _nearest(folder: str, known: Sequence[str]) -> str:
    """The folder, or the first above it that is known; the root always is."""
    while folder:
        at = bisect_left(known, folder)
        if at < len(known) and known[at] == folder:
            break
        folder = folder.rpartition("/")[0]
    return folder


def fixed_part(pattern: str) -> str:
    """The path or folder that everything the pattern names is at or below; may be empty."""
    pattern = pattern.removeprefix("!").removeprefix("/")
    special = _SPECIAL.search(pattern)
    if special is None:
        return pattern.rstrip("/")
    return pattern[: special.start()].rpartition("/")[0]


def _any_depth(below: str, start: int) -> Callable[[str], bool] | None:
    """A test for the usual patterns, `**`, `**/name` and `**/*.ending`; None for any other.

    `start` is where the part of a path begins that `below` is about. What names a folder names
    all that is in it.
    """
    if below in ("**", "**/*"):
        return lambda _path: True
    name = below.removeprefix("**/")
    if name == below or not name:
        return None
    if not _SPECIAL.search(name):
        name = f"/{name.strip('/')}/"
        return lambda path: name in f"/{path[start:]}/"
    if name.startswith("*") and not _SPECIAL.search(name[1:]) and "/" not in name:
        ending = f"{name[1:]}/"
        return lambda path: ending in f"{path[start:]}/"
    return None


def _spec(pattern: str) -> Callable[[str], bool]:
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines(["/" + pattern]).match_file
