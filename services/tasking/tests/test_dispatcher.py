"""Finding a node for every mission, with a real database and a fabric that is handed in."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from services.kit.geo import Position
from services.kit.problems import Code, Problem
from services.tasking.dispatcher import Dispatcher
from services.tasking.missions import locked, move, open_mission
from services.tasking.models import Mission, Move
from services.tasking.states import Status

FIRE = Position(lat=38, lon=-120)
NEAR, FAR, FARTHEST = (UUID(int=number) for number in (1, 2, 3))


class FakeFabric:
    """Answers `GET /v1/nodes` from a table, one node a page."""

    def __init__(self):
        self.nodes = {}
        self.is_down = False
        self.was_asked = asyncio.Event()

    def add(self, node_id, *, lat, status="ACTIVE", capabilities=("suppress",)):
        self.nodes[node_id] = {
            "id": str(node_id),
            "kind": "truck",
            "position": {"lat": lat, "lon": -120},
            "range_m": 3_000_000,
            "status": status,
            "capabilities": capabilities,
        }

    async def get(self, path, *, params):
        assert path == "/v1/nodes"
        self.was_asked.set()
        if self.is_down:
            raise Problem(Code.UNAVAILABLE, "fabric is away")
        items = [
            node
            for node in self.nodes.values()
            if node["status"] == params["status"]
            and params.get("capability", "suppress") in node["capabilities"]
            and node["id"] > params.get("after", "")
        ]
        return {"items": items[:1], "next": items[0]["id"] if len(items) > 1 else None}


@pytest.fixture
def fabric():
    fabric = FakeFabric()
    fabric.add(FAR, lat=39)
    fabric.add(NEAR, lat=38.5)
    fabric.nodes = dict(sorted(fabric.nodes.items()))
    return fabric


@pytest.fixture
def dispatcher(database, fabric, clock):
    return Dispatcher(database, fabric, clock, accept_within=timedelta(seconds=60), interval=3600)


@pytest.fixture
def add_mission(database, clock):
    async def add(capability="suppress"):
        async with database.session() as session:
            mission = await open_mission(
                session,
                incident_id=None,
                position=FIRE,
                capability=capability,
                note=None,
                by="ann",
                now=clock(),
            )
            return mission.id

    return add


@pytest.fixture
def step(database, clock):
    async def step(mission_id, target):
        async with database.session() as session:
            mission = await locked(session, mission_id, wait=True)
            await move(session, mission, target, by="test", now=clock())

    return step


@pytest.fixture
def read(database):
    async def read(mission_id):
        async with database.session() as session:
            return await session.get_one(Mission, mission_id)

    return read


async def test_the_nearest_node_gets_the_mission_and_a_deadline(
    dispatcher, add_mission, read, clock
):
    mission_id = await add_mission()

    await dispatcher.sweep()

    mission = await read(mission_id)
    assert (mission.status, mission.node_id, mission.attempts) == (Status.DISPATCHED, NEAR, 1)
    assert mission.distance_m == pytest.approx(55_597, rel=1e-4)
    assert mission.deadline_at == clock() + timedelta(seconds=60)


async def test_a_node_has_one_mission_at_a_time(dispatcher, add_mission, read, clock):
    missions = []
    for _ in range(3):
        missions.append(await add_mission())
        clock.advance(seconds=1)

    await dispatcher.sweep()

    assert [(await read(mission)).node_id for mission in missions] == [NEAR, FAR, None]


async def test_a_node_without_the_capability_is_not_sent(dispatcher, fabric, add_mission, read):
    fabric.add(FARTHEST, lat=40, capabilities=["rescue"])
    mission_id = await add_mission("rescue")

    await dispatcher.sweep()

    assert (await read(mission_id)).node_id == FARTHEST


async def test_a_mission_not_accepted_in_time_goes_to_the_next_node_and_then_starts_over(
    dispatcher, add_mission, read, clock
):
    mission_id = await add_mission()
    sent = []

    for _ in range(3):
        await dispatcher.sweep()
        sent.append((await read(mission_id)).node_id)
        clock.advance(seconds=60)

    assert sent == [NEAR, FAR, NEAR]
    assert (await read(mission_id)).attempts == 3


async def test_before_the_deadline_nothing_is_taken_back(dispatcher, add_mission, read, clock):
    mission_id = await add_mission()
    await dispatcher.sweep()
    clock.advance(seconds=59)

    await dispatcher.sweep()

    assert (await read(mission_id)).attempts == 1


async def test_an_accepted_mission_has_no_deadline(dispatcher, add_mission, step, read, clock):
    mission_id = await add_mission()
    await dispatcher.sweep()
    await step(mission_id, Status.ACCEPTED)
    clock.advance(seconds=3600)

    await dispatcher.sweep()

    assert (await read(mission_id)).status is Status.ACCEPTED


@pytest.mark.parametrize(
    "steps", [[], [Status.ACCEPTED], [Status.ACCEPTED, Status.ON_SCENE]], ids=str
)
async def test_a_mission_whose_node_goes_offline_is_given_to_another(
    dispatcher, fabric, add_mission, step, read, steps
):
    mission_id = await add_mission()
    await dispatcher.sweep()
    for target in steps:
        await step(mission_id, target)
    fabric.add(NEAR, lat=38.5, status="OFFLINE")

    await dispatcher.sweep()

    mission = await read(mission_id)
    assert (mission.status, mission.node_id) == (Status.DISPATCHED, FAR)


async def test_the_history_tells_every_attempt(dispatcher, database, add_mission, clock):
    mission_id = await add_mission()
    await dispatcher.sweep()
    clock.advance(seconds=60)
    await dispatcher.sweep()

    async with database.session() as session:
        moves = await session.scalars(
            select(Move).where(Move.mission_id == mission_id).order_by(Move.id)
        )
        told = [(move.target, move.node_id, move.by, move.reason) for move in moves]
    assert told == [
        (Status.PENDING, None, "ann", None),
        (Status.DISPATCHED, NEAR, "tasking", None),
        (Status.PENDING, NEAR, "tasking", "not accepted in time"),
        (Status.DISPATCHED, FAR, "tasking", None),
    ]


async def test_every_change_is_told_to_subscribers(dispatcher, add_mission, clock, emitted):
    await add_mission()
    await dispatcher.sweep()
    clock.advance(seconds=60)
    await dispatcher.sweep()

    assert [(topic, data["node_id"]) for topic, data in await emitted()] == [
        ("mission.created", None),
        ("mission.dispatched", str(NEAR)),
        ("mission.released", None),
        ("mission.dispatched", str(FAR)),
    ]


async def test_without_fabric_missions_wait_and_deadlines_still_count(
    dispatcher, fabric, add_mission, read, clock
):
    mission_id = await add_mission()
    await dispatcher.sweep()
    clock.advance(seconds=60)
    fabric.is_down = True

    with pytest.raises(Problem):
        await dispatcher.sweep()
    assert (await read(mission_id)).status is Status.PENDING

    fabric.is_down = False
    await dispatcher.sweep()
    assert (await read(mission_id)).node_id == FAR


async def test_a_mission_without_an_able_node_waits_and_does_not_hold_up_the_next(
    dispatcher, add_mission, read, clock
):
    waiting = await add_mission("rescue")
    clock.advance(seconds=1)
    next_one = await add_mission()

    await dispatcher.sweep()

    assert (await read(waiting)).status is Status.PENDING
    assert (await read(next_one)).status is Status.DISPATCHED


async def test_two_replicas_send_every_node_once(database, fabric, clock, add_mission, read):
    for number in range(10, 20):
        fabric.add(UUID(int=number), lat=40 + number / 10)
    missions = [await add_mission() for _ in range(10)]
    replicas = [
        Dispatcher(database, fabric, clock, accept_within=timedelta(seconds=60), interval=3600)
        for _ in range(4)
    ]

    await asyncio.gather(*(replica.sweep() for replica in replicas))
    await replicas[0].sweep()  # what one replica skipped because another held it

    sent = [await read(mission) for mission in missions]
    assert {mission.status for mission in sent} == {Status.DISPATCHED}
    assert {mission.attempts for mission in sent} == {1}
    assert len({mission.node_id for mission in sent}) == len(missions)


async def test_the_loop_outlives_a_fault_and_looks_again_when_woken(
    dispatcher, fabric, add_mission, read
):
    fabric.is_down = True
    missions = [await add_mission()]

    async with asyncio.timeout(10), dispatcher.running():
        await fabric.was_asked.wait()
        fabric.is_down = False
        missions.append(await add_mission())
        while {(await read(mission)).status for mission in missions} != {Status.DISPATCHED}:
            fabric.was_asked.clear()
            await fabric.was_asked.wait()
