"""`python -m pipelines.images COMPONENT PATH...`: the step that builds a component's image.

Its time and its revision are those of the last commit that changed one of the paths. Without any
words it says in one line what builds here: the engine, and the stand-ins it builds on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines import border, console
from pipelines.images import bases, build
from pipelines.root import find_root


def main(words: list[str]) -> int:
    """Build, or say what would; returns the exit code."""
    if not words:
        return border.cross(lambda: console.result(bases.builder()))
    component, *paths = words
    return border.cross(lambda: _build(component, paths))


def _build(component: str, paths: list[str]) -> None:
    build.build(find_root(Path.cwd()), component, paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
