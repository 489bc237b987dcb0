"""The background loop that finds a node for every mission, and another when that one is no use."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.clock import Clock
from services.kit.database import Database
from services.kit.problems import Problem
from services.tasking.choice import Node, choose
from services.tasking.missions import SUMMIT, dispatch, locked, move, place_of
from services.tasking.models import Mission, Move
from services.tasking.states import ASSIGNED, Status

log = logging.getLogger(__name__)
PAGE = 1000


class Fabric(Protocol):
    """Where the nodes are known: `Peers.fabric`, or a stand-in."""

    async def get(self, path: str, *, params: Mapping[str, str | int]) -> Any: ...


async def nodes(fabric: Fabric, **filters: str) -> list[Node]:
    """Return all nodes that match; raises `Problem` while fabric cannot be asked."""
    found: list[Node] = []
    after: dict[str, str] = {}
    while True:
        page = await fabric.get("/v1/nodes", params={**filters, **after, "limit": PAGE})
        found += [Node.model_validate(item) for item in page["items"]]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


class Dispatcher:
    """Sweeps over the open missions at every change of one, and at least every `interval` seconds.

    All it knows is in the database, and each mission is handled in a transaction of its own that
    skips rows another replica holds. So any number may run; while fabric is away, missions wait.
    """

    def __init__(
        self,
        database: Database,
        fabric: Fabric,
        clock: Clock,
        *,
        accept_within: timedelta,
        interval: float,
    ) -> None:
        self._database = database
        self._fabric = fabric
        self._clock = clock
        self._accept_within = accept_within
        self._interval = interval
        self._woken = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep in the background until the context ends."""
        self._database.emitted.add(self._woken)
        task = asyncio.create_task(self._run(), name="dispatcher")
        try:
            yield
        finally:
            self._database.emitted.discard(self._woken)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.sweep()
            except Exception as error:  # the loop must outlive whatever is wrong for a while
                log.warning("missions wait: %s", error, exc_info=not isinstance(error, Problem))
            with suppress(TimeoutError):
                # Not `wait_for`: in Python 3.11 it may swallow the cancelling that ends this loop.
                async with asyncio.timeout(self._interval):
                    await self._woken.wait()

    async def sweep(self) -> None:
        """Take back missions that were not accepted or whose node is lost, then hand out all."""
        await self._release_expired()
        await self._release_lost()
        await self._dispatch_pending()

    async def _release_expired(self) -> None:
        overdue = (Mission.status == Status.DISPATCHED) & (Mission.deadline_at <= self._clock())
        await self._release(overdue, "not accepted in time")

    async def _release_lost(self) -> None:
        assigned = Mission.status.in_(ASSIGNED)
        async with self._database.session() as session:
            if not await session.scalar(select(exists().where(assigned))):
                return
        lost = [node.id for node in await nodes(self._fabric, status="OFFLINE")]
        await self._release(assigned & Mission.node_id.in_(lost), "the node is offline")

    async def _release(self, which: ColumnElement[bool], reason: str) -> None:
        async with self._database.session() as session:
            ids = (await session.scalars(select(Mission.id).where(which))).all()
        for mission_id in ids:
            async with self._database.session() as session:
                # Asked again under the lock: it may have moved on by now.
                still = which & (Mission.id == mission_id)
                mission = await session.scalar(
                    select(Mission).where(still).with_for_update(skip_locked=True)
                )
                if mission:
                    now = self._clock()
                    await move(session, mission, Status.PENDING, by=SUMMIT, now=now, reason=reason)

    async def _dispatch_pending(self) -> None:
        async with self._database.session() as session:
            pending = select(Mission).where(Mission.status == Status.PENDING)
            missions = (await session.scalars(pending.order_by(Mission.created_at))).all()
            working = select(Mission.node_id).where(Mission.status.in_(ASSIGNED))
            busy = {node_id for node_id in await session.scalars(working) if node_id}
        able = {
            capability: await nodes(self._fabric, status="ACTIVE", capability=capability)
            for capability in {mission.capability for mission in missions}
        }
        for mission in missions:
            place, candidates = place_of(mission), able[mission.capability]
            # Asked without a transaction first: missions that must wait may be many.
            if choose(place, candidates, busy=busy, tried={}):
                await self._send(mission.id, candidates, busy)

    async def _send(self, mission_id: UUID, candidates: list[Node], busy: set[UUID]) -> None:
        """Give the mission to the best candidate that no other replica takes at this moment."""
        while True:
            with suppress(IntegrityError):  # taken; it counts as busy now, so the next one is tried
                async with self._database.session() as session:
                    mission = await locked(session, mission_id, wait=False)
                    if mission is None or mission.status is not Status.PENDING:
                        return
                    tried = await _tried(session, mission_id)
                    choice = choose(place_of(mission), candidates, busy=busy, tried=tried)
                    if choice is None:
                        return
                    busy.add(choice.node_id)
                    now = self._clock()
                    deadline = now + self._accept_within
                    await dispatch(session, mission, choice, now=now, deadline=deadline)
                return


async def _tried(session: AsyncSession, mission_id: UUID) -> dict[UUID, datetime]:
    """Return when each node was last sent on the mission."""
    sent = (
        select(Move.node_id, func.max(Move.at))
        .where(Move.mission_id == mission_id, Move.target == Status.DISPATCHED)
        .group_by(Move.node_id)
    )
    return {node_id: at for node_id, at in await session.execute(sent) if node_id}
