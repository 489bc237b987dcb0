"""Missions that events open and cancel."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from services.kit.geo import Position
from services.tasking.choice import Choice
from services.tasking.missions import dispatch, move
from services.tasking.models import Mission
from services.tasking.policy import Incident, Risk, RiskEvent, take
from services.tasking.states import Status

FIRE = UUID(int=1)


@pytest.fixture
def tell(database, clock):
    """Take in a risk event; `sent` and `seen` are seconds before now."""

    async def tell(status="CONFIRMED", *, score=50.0, sent=0, seen=0, threshold=0.0):
        now = clock()
        incident = Incident(
            id=FIRE,
            status=status,
            position=Position(lat=38, lon=-120),
            last_seen_at=now - timedelta(seconds=seen),
        )
        event = RiskEvent(
            id=str(uuid4()),
            topic="risk.assessed",
            at=now - timedelta(seconds=sent),
            data=Risk(score=score, incident=incident),
        )
        async with database.session() as session:
            await take(session, event, source="intelligence", threshold=threshold, now=now)

    return tell


@pytest.fixture
def statuses(database):
    async def statuses():
        async with database.session() as session:
            missions = await session.scalars(select(Mission).order_by(Mission.created_at))
            return [mission.status for mission in missions]

    return statuses


@pytest.fixture
def bring_to(database, clock):
    """Move the one open mission through the given statuses."""

    async def bring_to(*targets):
        async with database.session() as session:
            mission = (await session.scalars(select(Mission))).one()
            now = clock()
            for target in targets:
                if target is Status.DISPATCHED:
                    choice = Choice(UUID(int=7), 1000.0)
                    await dispatch(session, mission, choice, now=now, deadline=now)
                else:
                    await move(session, mission, target, by="truck", now=now)

    return bring_to


async def test_a_confirmed_incident_gets_one_mission(tell, statuses, clock):
    await tell("SUSPECTED")
    assert await statuses() == []

    await tell()
    clock.advance(seconds=1)
    await tell()
    assert await statuses() == [Status.PENDING]


async def test_a_risk_below_the_threshold_gets_none(tell, statuses):
    await tell(score=39.9, threshold=40)
    assert await statuses() == []

    await tell(score=40, threshold=40)
    assert await statuses() == [Status.PENDING]


async def test_a_mission_is_for_suppression_at_the_place_of_the_incident(tell, database):
    await tell()

    async with database.session() as session:
        mission = (await session.scalars(select(Mission))).one()
    assert (mission.capability, mission.lat, mission.lon) == ("suppress", 38, -120)
    assert mission.incident_id == FIRE


@pytest.mark.parametrize("steps", [[], [Status.DISPATCHED]], ids=str)
async def test_closing_cancels_a_mission_that_nobody_accepted(tell, statuses, bring_to, steps):
    await tell()
    await bring_to(*steps)

    await tell("CLOSED")

    assert await statuses() == [Status.CANCELLED]


async def test_closing_leaves_a_mission_that_is_under_way(tell, statuses, bring_to):
    await tell()
    await bring_to(Status.DISPATCHED, Status.ACCEPTED)

    await tell("CLOSED")

    assert await statuses() == [Status.ACCEPTED]


async def test_an_older_event_does_not_undo_a_newer_one(tell, statuses):
    await tell("SUSPECTED", sent=0)

    await tell("CONFIRMED", sent=5)

    assert await statuses() == []


async def test_closing_is_final_even_when_it_is_heard_late(tell, statuses, clock):
    await tell("CONFIRMED", sent=0)
    await tell("CLOSED", sent=5)
    assert await statuses() == [Status.CANCELLED]

    clock.advance(seconds=60)
    await tell("CONFIRMED")
    assert await statuses() == [Status.CANCELLED]


async def test_after_a_mission_only_a_new_sighting_opens_another(tell, statuses, bring_to, clock):
    await tell()
    await bring_to(Status.DISPATCHED, Status.ACCEPTED, Status.ON_SCENE, Status.COMPLETED)
    clock.advance(seconds=60)

    await tell(seen=60)
    assert await statuses() == [Status.COMPLETED]

    await tell(seen=0)
    assert await statuses() == [Status.COMPLETED, Status.PENDING]
