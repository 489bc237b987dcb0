"""Every benchmark in one table: `python -m bench`."""

from __future__ import annotations

import sys

from bench import gateway, kit, startup, up
from bench.measure import report

if __name__ == "__main__":
    bars = [bar for bench in (startup, up, kit, gateway) for bar in bench.measure()]
    sys.exit(report(bars))
