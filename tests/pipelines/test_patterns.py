"""Patterns name what pathspec and Git itself say they name, however many files there are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pathspec
import pytest
from hypothesis import given, strategies as st

from pipelines.checkout.patterns import fixed_part, matching, select
from tests.pipelines.checkout import Checkout

NAMES = st.sampled_from(["a", "b", "ab", "a.py", "b.py", ".py", "a b", "ü", "\udcff", "\U0010ffff"])
PATHS = st.lists(
    st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=20, unique=True
).map(sorted)
PARTS = st.sampled_from(
    ["a", "b", "ab", "a.py", "*", "**", "?", "*.py", "[ab]", "[!a]", "a*", "**.py", r"\a", "ü"]
)
PATTERNS = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/"]),
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", "", "/"]),
)


def named(pattern: str, paths: Sequence[str]) -> list[str]:
    return [paths[at] for at in matching(pattern, paths)]


@given(pattern=PATTERNS, paths=PATHS)
def test_a_pattern_names_what_pathspec_says(pattern: str, paths: list[str]) -> None:
    spec = pathspec.GitIgnoreSpec.from_lines(["/" + pattern.removeprefix("/")])

    assert named(pattern, paths) == [path for path in paths if spec.match_file(path)]


@given(patterns=st.lists(st.tuples(st.booleans(), PATTERNS), max_size=4), paths=PATHS)
def test_the_last_pattern_that_names_a_file_decides(
    patterns: list[tuple[bool, str]], paths: list[str]
) -> None:
    chosen: set[str] = set()
    for is_meant, pattern in patterns:
        for path in named(pattern, paths):
            (chosen.add if is_meant else chosen.discard)(path)
    written = [pattern if is_meant else f"!{pattern}" for is_meant, pattern in patterns]

    assert [paths[at] for at in select(written, paths)] == sorted(chosen)


@given(pattern=PATTERNS, paths=PATHS)
def test_all_that_a_pattern_names_is_at_or_below_its_fixed_part(
    pattern: str, paths: list[str]
) -> None:
    fixed = fixed_part(pattern)

    assert all(not fixed or f"{path}/".startswith(f"{fixed}/") for path in named(pattern, paths))


FILES = [
    "a",
    "a.py",
    "a/b",
    "a0/a.py",
    "deep/a.py",
    "deep/er/a.py",
    "deep/er/b.txt",
    "deeper/a.py",
    "new\nline",
    "odd/ü",
    "odd/\udcff",
    "odd/[x].py",
    "odd/x.py",
    "odd/*",
    "odd/\U0010ffff",
]


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "a/",
        "a/b",
        "deep",
        "deep/",
        "deep/*",
        "deep/**",
        "deep/**/a.py",
        "deep/**/*.py",
        "**/*.py",
        "**/a.py",
        "**/er",
        "*.py",
        "*/*.py",
        "**",
        "*",
        "d*r",
        "odd",
        "odd/[x].py",
        r"odd/\[x].py",
        r"odd/\*",
        "odd/[^v-z].p?",
        "new?line",
        "none",
        "none/**",
    ],
)
def test_a_pattern_names_what_git_would_ignore(tmp_path: Path, pattern: str) -> None:
    # Nothing of it is there, so that a path can be a file and a folder alike. To Git `?` is one
    # byte of a name, to us one character.
    checkout = Checkout.new(tmp_path)
    checkout.write(".git/info/exclude", f"/{pattern}\n")
    said = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=tmp_path,
        input=b"".join(os.fsencode(path) + b"\0" for path in FILES),
        capture_output=True,
        check=False,  # 1 says that none is ignored
    )
    ignored = os.fsdecode(said.stdout).split("\0")[:-1]

    assert not said.stderr
    assert named(pattern, sorted(FILES)) == sorted(ignored)


@pytest.mark.parametrize(
    ("pattern", "fixed"),
    [
        ("/services/kit/**/*.py", "services/kit"),
        ("!services/kit/", "services/kit"),
        ("pyproject.toml", "pyproject.toml"),
        ("serv*/kit", ""),
        (r"odd/\*/x", "odd"),
        ("**", ""),
    ],
)
def test_the_fixed_part_ends_at_the_first_special_character(pattern: str, fixed: str) -> None:
    assert fixed_part(pattern) == fixed
