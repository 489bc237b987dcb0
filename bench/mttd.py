"""How fast a failure is noticed: the drill of `inv mttd`, on a stack of its own.

`python -m bench.mttd` needs an engine, built images, and the port to which alerts are delivered.
"""

from __future__ import annotations

import math
import os
import sys
from unittest.mock import patch

from bench import containers
from bench.measure import Bar, report
from pipelines.detection import drill
from pipelines.detection.measure import Noticed

NAME = "summit-bench-mttd"


def measure() -> list[Bar]:
    with (
        patch.dict(os.environ, COMPOSE_PROJECT_NAME=NAME, SUMMIT_ENGINE="docker"),
        containers.checkout(NAME, "observability") as engine,
    ):
        found = drill.run(engine.stack.place.root)
    return [Bar(f"{it.fault}, told (s)", seconds(it), 1.0, at_most=it.bar) for it in found]


def seconds(it: Noticed) -> float:
    """Until it was told of; without end when it was not, or its end was not."""
    return math.inf if it.detected is None or it.recovered is None else it.detected


if __name__ == "__main__":
    sys.exit(report(measure()))
