"""What strains a service before it fails: a blocked event loop, and secrets that grow old."""

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from services.kit.metrics import Measured

EVERY_SECONDS = 0.25
LOOKS = 20  # that are remembered: five seconds


class Strain(Measured):
    """The worst delay of the event loop in the last seconds, and the age of each secret file."""

    def __init__(self) -> None:
        self._delays: deque[float] = deque([0.0], maxlen=LOOKS)
        self._secrets = {
            name.removesuffix("_FILE").lower(): Path(value)
            for name, value in os.environ.items()
            if name.endswith("_FILE") and value.startswith("/run/secrets/")
        }

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look at the loop for as long as the service runs."""
        task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            task.cancel()

    async def _look(self) -> None:
        while True:
            due = time.monotonic() + EVERY_SECONDS
            await asyncio.sleep(EVERY_SECONDS)
            self._delays.append(max(0.0, time.monotonic() - due))

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "event_loop_lag_seconds", "Worst delay of the last five seconds.", max(self._delays)
        )
        ages = GaugeMetricFamily(
            "secret_age_seconds", "Since the secret's file was written.", labels=["secret"]
        )
        for name, file in self._secrets.items():
            if file.exists():
                ages.add_metric([name], time.time() - file.stat().st_mtime)
        yield ages
