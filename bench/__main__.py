"""Every benchmark in one table: `python -m bench`; or some: `python -m bench gates plan`."""

from __future__ import annotations

import argparse
import sys

from bench import (
    audit,
    containers,
    deploys,
    gates,
    gateway,
    images,
    kit,
    ledger,
    mttd,
    plan,
    startup,
    up,
)
from bench.measure import report

BENCHES = {
    "startup": startup,
    "gates": gates,
    "plan": plan,
    "ledger": ledger,
    "up": up,
    "images": images,
    "containers": containers,
    "mttd": mttd,
    "deploys": deploys,
    "audit": audit,
    "kit": kit,
    "gateway": gateway,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    names = parser.parse_args().names or BENCHES
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"no benchmark called {unknown[0]!r}; known: {', '.join(BENCHES)}")
    sys.exit(report([bar for name in names for bar in BENCHES[name].measure()]))
