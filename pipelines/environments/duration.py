"""Spans of time as people write them: `30s`, `15m`, `12h`, `7d`."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WRITTEN = re.compile(r"([0-9]+)([smhd])")
MEND = "write it as 30s, 15m, 12h or 7d"


def seconds(text: str) -> float:
    """The span in seconds. Raises `ValueError` for what is none.

    >>> seconds("2h")
    7200.0
    """
    written = _WRITTEN.fullmatch(text)
    if not written:
        raise ValueError(f"not a time: {text!r}")
    return float(int(written[1]) * _UNITS[written[2]])
