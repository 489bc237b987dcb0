"""How the kit's commands end badly: one line for each fault, and an exit code."""

import sys

FAILED = 1
MISUSED = 2


def refuse(code: int, *faults: str) -> int:
    """Write each fault as one line to standard error and return `code`."""
    for fault in faults:
        line = " ".join(fault.split())
        sys.stderr.write(f"error: {line}\n")
    sys.stderr.flush()
    return code
