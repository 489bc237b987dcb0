"""How far a subscriber is behind, asked apart from the relay, which may be stuck or too slow."""

import asyncio
import logging
from collections.abc import Iterator
from time import monotonic
from typing import NoReturn

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Table

from services.kit.database import Database
from services.kit.metrics import Measured
from services.kit.outbox.store import age_of_next, load_cursor

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 2.0


class Backlog(Measured):
    """The time for which an event may have waited: since the last moment whose events are taken.

    It goes on by itself while nobody can tell whether they are, so that neither a database that is
    away nor a failure in here is taken for an empty outbox.
    """

    def __init__(self, database: Database, outbox: Table, *, subscriber: str) -> None:
        self._database = database
        self._outbox = outbox
        self._subscriber = subscriber
        self._taken_until = monotonic()

    async def watch(self) -> NoReturn:
        """Look again and again, until cancelled."""
        while True:
            now = monotonic()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    self._taken_until = now - await self._age()
            except Exception as error:  # whatever it is, it may pass; until then the number grows
                log.debug("how far %s is behind is not known: %r", self._subscriber, error)
            await asyncio.sleep(EVERY_SECONDS)

    async def _age(self) -> float:
        async with self._database.engine.connect() as shared:
            connection = await shared.execution_options(isolation_level="AUTOCOMMIT")
            cursor = await load_cursor(connection, self._subscriber)
            return await age_of_next(connection, self._outbox, cursor)

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "outbox_lag_seconds",
            "How long the oldest event that is not taken may have waited.",
            labels=["subscriber"],
        )
        family.add_metric([self._subscriber], monotonic() - self._taken_until)
        yield family
