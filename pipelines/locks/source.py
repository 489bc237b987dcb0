"""What is asked for: a `requirements.in` with every file it pulls in by `-r` or `-c`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from pipelines.errors import ConfigError, Where

_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDE = re.compile(r"^(?:-r|-c|--requirement|--constraint)[\s=]+(?P<file>\S+)$")


@dataclass(frozen=True)
class Line:
    """One line that says something, without its comment."""

    text: str
    where: Where

    @property
    def included(self) -> str | None:
        """The other file that the line pulls in, as written."""
        match = _INCLUDE.match(self.text)
        return match["file"] if match else None

    @property
    def requirement(self) -> Requirement:
        """The requirement that the line states; raises ConfigError when it is none."""
        try:
            return Requirement(self.text)
        except InvalidRequirement as error:
            raise ConfigError(f"not a requirement: {self.text!r}", where=self.where) from error


@dataclass(frozen=True)
class Source:
    """A `requirements.in` and all it includes, in reading order."""

    file: Path
    lines: tuple[Line, ...]

    def requirements(self) -> Iterator[tuple[Requirement, Where]]:
        """Each requirement of all the files, and where it stands."""
        return ((line.requirement, line.where) for line in self.lines if not line.included)

    @property
    def digest(self) -> str:
        """SHA-256 over what is asked for; comments, spacing and the order of files do not count."""
        said = "\n".join(sorted(f"{line.where.file}\0{line.text}" for line in self.lines))
        return hashlib.sha256(said.encode()).hexdigest()


def read_source(root: Path, file: Path) -> Source:
    """Read `file` (relative to `root`) and what it includes.

    Raises ConfigError, naming the line, when an included file does not exist.
    """
    lines: list[Line] = []
    _read(root, file, lines, seen=set(), asked_by=None)
    return Source(file, tuple(lines))


def _read(
    root: Path, file: Path, lines: list[Line], *, seen: set[Path], asked_by: Where | None
) -> None:
    if file in seen:
        return
    seen.add(file)
    try:
        text = (root / file).read_text()
    except FileNotFoundError as error:
        raise ConfigError(f"no such file: {file}", where=asked_by) from error
    for number, raw in enumerate(text.splitlines(), start=1):
        said = " ".join(_COMMENT.sub("", raw).split())
        if not said:
            continue
        line = Line(said, Where(file, number))
        lines.append(line)
        if line.included:
            _read(root, _beside(file, line.included), lines, seen=seen, asked_by=line.where)


def _beside(file: Path, included: str) -> Path:
    """The included file relative to the root, without `..` (the paths are not on disk as such)."""
    parts: list[str] = []
    for part in (file.parent / included).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)
