"""The environment of a program that a test interrupts: coverage does not measure it.

Coverage locks its data in the midst of whatever the program does, and drops an exception that a
signal handler raises while it looks up whose line this is. Ctrl-C would hang now and then, or go
unheard, in no program but a measured one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping


def environment(of: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {name: value for name, value in of.items() if not name.startswith("COVERAGE_")}
