"""Where certificates are not verified: in Python, in lines of other sources, in commands."""

from __future__ import annotations

import re

# A machine's own address, where nobody stands between.
LOCAL = re.compile(r"localhost|\b127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|host\.docker\.internal")
# What asks its own container, or the one next to it, whether it is well.
PROBE = re.compile(
    r"(?i)health[-_]?check[^/]*$|(?:readiness|liveness|startup)[-_]?(?:probe|check)[^/]*$"
)
REMEDY = "verify certificates; for your own authority, name its certificate"
