"""Names of what never changes: they end with a hash of what they stand for."""

from __future__ import annotations

import hashlib
import re

_DIGITS = 10  # of the hash
_LONGEST = 63  # characters: of a name in DNS


def named(name: str, content: bytes) -> str:
    """A name that changes with the content: what runs keeps the one that it was started with."""
    digest = hashlib.sha256(name.encode() + b"\0" + content).hexdigest()[:_DIGITS]
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[: _LONGEST - _DIGITS - 1]
    return f"{plain}-{digest}"
