"""Build contexts: which tracked files a build is given, `.dockerignore` considered."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pathspec import PathSpec, Pattern

from pipelines.audit.model import globs
from pipelines.audit.tracked import Tracked, join

_GLOB = re.compile(r"[*?\[]")
_MOST_PATTERNS = 2_000


@dataclass(frozen=True)
class Context:
    """The folder that a build is given; `dockerfile` may have an ignore file of its own."""

    tracked: Tracked
    folder: str
    dockerfile: str = ""

    def files(self, source: str) -> Iterator[str]:
        """The tracked files that `COPY source` would copy: a file, a folder, or a pattern."""
        path = self.path(source)
        if path is None:
            return
        if _GLOB.search(path):
            yield from self._matching(path)
        elif path in self.tracked:
            yield from [path] if self.has(path) else []
        else:
            yield from (file for file in self.below(path) if self.has(file))

    def holds(self, source: str) -> bool:
        """Whether the build would find something there.

        Links and submodules are not followed: what they lead to may be there.
        """
        path = self.path(source)
        if path is None:
            return False
        if any(True for _ in self.files(source)):
            return True
        outer = {path[: match.start()] for match in re.finditer("/", path)} | {path}
        return bool(outer & (self.tracked.links | self.tracked.submodules)) or any(
            it.startswith(f"{path}/" if path else "")
            for it in (*self.tracked.links, *self.tracked.submodules)
        )

    def path(self, source: str) -> str | None:
        """A source of COPY relative to the root of the audit; a leading `/` is the context's."""
        inner = join("", source.lstrip("/") or ".")
        return None if inner is None else join(self.folder, inner)

    def has(self, path: str) -> bool:
        """Whether a tracked file is in the context, and not ignored."""
        if self._ignored is None:
            return True
        return not self._ignored.match_file(self._within(path))

    def below(self, folder: str) -> Sequence[str]:
        """The tracked files below a folder, ignored ones too."""
        if not folder:
            return self.tracked.paths
        start = f"{folder}/"
        first = bisect_left(self.tracked.paths, start)
        last = bisect_left(self.tracked.paths, f"{folder}0")  # "0" comes right after "/"
        return self.tracked.paths[first:last]

    def _within(self, path: str) -> str:
        return path[len(self.folder) + 1 :] if self.folder else path

    def _matching(self, pattern: str) -> Iterator[str]:
        """The files of a Go pattern."""
        expression = globs.go(pattern)
        if expression is None:
            return
        fixed = _GLOB.split(pattern)[0].rpartition("/")[0]
        yield from (file for file in self.below(fixed) if expression.match(file) and self.has(file))

    @cached_property
    def _ignored(self) -> PathSpec[Pattern] | None:
        own = f"{self.dockerfile}.dockerignore"
        shared = join(self.folder, ".dockerignore")
        text = self.tracked.text(own) if own in self.tracked else None
        if text is None and shared in self.tracked:
            text = self.tracked.text(str(shared))
        if not text:
            return None
        lines = [_rooted(line) for line in text.splitlines()[:_MOST_PATTERNS]]
        return PathSpec(pattern for line in lines if line for pattern in _patterns(line))


def _patterns(line: str) -> Iterator[Pattern]:
    pattern = globs.ignored_by(line)
    if pattern is not None:
        yield pattern


def _rooted(line: str) -> str:
    """A pattern of .dockerignore as one of .gitignore: each is rooted at the context."""
    line = line.strip()
    if not line or line.startswith("#"):
        return ""
    negation = "!" if line.startswith("!") else ""
    path = os.path.normpath(line.removeprefix("!").strip().lstrip("/"))
    if path == "*":  # what is below a folder that matches is left out as well
        path = "**"
    return f"{negation}/{path}" if path != "." else ""
