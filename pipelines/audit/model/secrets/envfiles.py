"""Files of variables (`.env`), each variable with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from typing import NamedTuple

from dotenv.parser import parse_stream

from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

# `.env`, `.env.local`, `web.env`, `env.example`, `.env-prod`; not `environment.ts`, nor `.envrc`.
_NAME = re.compile(r"(?i)\.env(?:[._-][\w.\-]*)?|[\w.\-]+\.env(?:[._-][\w\-]+)?|env[._-][\w\-]+")
_SOURCES = re.compile(
    r"(?i)\.(?:py|[cm]?[jt]sx?|d\.ts|md|rst|ya?ml|json|toml|sh|go|rs|java|rb|php|tf)$"
)


class Variable(NamedTuple):
    """One assignment; `value` as it is written, without its quotes: nothing is filled in.

    It is None for a name alone.
    """

    name: str
    value: str | None
    place: Place


def is_env_file(path: str) -> bool:
    """Whether a file of that name is one."""
    name = path.rpartition("/")[2]
    return bool(_NAME.fullmatch(name)) and not _SOURCES.search(name)


def parse(text: str, file: str) -> tuple[Variable, ...]:
    """The variables of one file, in its order; what is no assignment is passed over."""
    return tuple(_variables(text, file))


def _variables(text: str, file: str) -> Iterator[Variable]:
    for binding in parse_stream(StringIO(text)):
        if binding.key and not binding.error:
            # An assignment takes the blank lines above it along.
            written = binding.original.string
            blank = written[: len(written) - len(written.lstrip())].count("\n")
            yield Variable(binding.key, binding.value, Place(file, binding.original.line + blank))


def read(tracked: Tracked, path: str) -> tuple[Variable, ...]:
    """The variables of a tracked file; none of one that is not there, or is no text."""
    text = tracked.text(path)
    return parse(text, path) if text is not None else ()


def files(tracked: Tracked) -> list[str]:
    """Every tracked file whose name says that it is one."""
    return [path for path in tracked if "env" in path and is_env_file(path)]
