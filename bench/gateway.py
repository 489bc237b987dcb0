"""What the gateway costs a request: `python -m bench.gateway`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import timedelta

from bench.measure import Bar, free_port, report, requests_per_second, served, side_by_side
from services.kit.clock import now
from services.kit.testing import TestIssuer
from services.kit.tokens import Role

PATH = "/v1/nodes/7"


def measure() -> list[Bar]:
    issuer = TestIssuer()
    token = issuer.token(Role.VIEWER, exp=now() + timedelta(hours=1))
    keys = os.environ | {"BENCH_KEYS": json.dumps(asyncio.run(issuer.jwks()))}

    def speed(url: str) -> float:
        return requests_per_second(url + PATH, headers={"Authorization": f"Bearer {token}"})

    with served("bench.apps:upstream", environment=keys) as upstream:
        nobody = f"http://127.0.0.1:{free_port()}"
        environment = os.environ | {
            "FABRIC_URL": upstream,
            **dict.fromkeys(("FUSION_URL", "INTELLIGENCE_URL", "TASKING_URL"), nobody),
            "CLIENT_SECRET": "for a measurement only",
            "RATE_LIMIT": "1000000/second",
        }
        with (
            served("bench.apps:gateway", environment=environment) as gateway,
            served("bench.apps:httpx_gateway", environment=environment) as httpx_gateway,
        ):
            through, directly = side_by_side(lambda: speed(gateway), lambda: speed(upstream))
            ours, theirs = side_by_side(
                lambda: speed(gateway), lambda: speed(httpx_gateway), rounds=3
            )
    return [
        Bar("gateway / its upstream directly (requests/s)", through, directly, at_least=0.55),
        Bar("gateway / a gateway with httpx (requests/s)", ours, theirs, at_least=10),
    ]


if __name__ == "__main__":
    sys.exit(report(measure()))
