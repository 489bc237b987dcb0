"""What the kit costs a service: `python -m bench.kit`."""

from __future__ import annotations

import sys

from bench.measure import Bar, report, requests_per_second, served, side_by_side

PATH = "/v1/nodes/7"


def measure() -> list[Bar]:
    with (
        served("bench.apps:bare") as bare,
        served("bench.apps:with_kit") as kit,
        served("bench.middlewares:with_middlewares") as stack,
    ):
        a, b = side_by_side(
            lambda: requests_per_second(kit + PATH), lambda: requests_per_second(bare + PATH)
        )
        c, d = side_by_side(
            lambda: requests_per_second(stack + PATH),
            lambda: requests_per_second(bare + PATH),
            rounds=3,
        )
    return [
        Bar("kit / bare FastAPI (requests/s)", a, b, at_least=0.85),
        Bar("contrast: a stack of middlewares / bare FastAPI", c, d),
    ]


if __name__ == "__main__":
    sys.exit(report(measure()))
