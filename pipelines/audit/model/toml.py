"""TOML, read with a bound on what its library would take too long for, or fail at."""

from __future__ import annotations

import tomllib
from typing import Any

_LONGEST = 20_000  # characters of one line; the library copies a dotted key for each of its parts

Broken = tomllib.TOMLDecodeError


def read(text: str) -> dict[str, Any]:
    """A document. Raises `Broken` for what is none, and for what nobody wrote."""
    if len(text) > _LONGEST and any(len(line) > _LONGEST for line in text.split("\n")):
        raise Broken(f"a line is longer than {_LONGEST} characters")
    try:
        return tomllib.loads(text)
    except Broken:
        raise
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits; depth
        raise Broken(str(error)) from error
