"""No event is lost, none overtakes another, and each arrives although now and then twice."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, text
from sqlalchemy.event import listen

from services.kit import testing
from services.kit.database import Database, metadata
from services.kit.outbox import (
    Relay,
    already_seen,
    backlog,
    emit,
    feed_router,
    inbox_table,
    outbox_table,
)
from services.kit.problems import Code, Problem
from services.kit.settings import DatabaseSettings
from services.kit.testing import TestIssuer
from services.kit.tokens import Role

METADATA = metadata("toy")
OUTBOX = outbox_table(METADATA)
INBOX = inbox_table(METADATA)


class Subscriber:
    """Notes what it is sent; refuses while `is_away`."""

    def __init__(self) -> None:
        self.is_away = False
        self.events = []
        self.attempts = 0
        self._changed = asyncio.Condition()

    async def __call__(self, events):
        async with self._changed:
            self.attempts += 1
            self._changed.notify_all()
            if self.is_away:
                raise Problem(Code.UNAVAILABLE, "tasking cannot be reached")
            self.events += events

    @property
    def numbers(self):
        return [event.data["number"] for event in self.events]

    async def has(self, condition):
        """Return once `condition` holds for what was received."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)


@pytest.fixture
def subscriber():
    return Subscriber()


async def say(database, *numbers):
    async with database.session() as session:
        for number in numbers:
            await emit(session, "thing.happened", {"number": number})


async def test_events_arrive_in_order_as_they_were_emitted(database, subscriber):
    await say(database, 1, 2)
    async with Relay(database, OUTBOX, subscriber="tasking", send=subscriber):
        await say(database, 3)
        await say(database, 4, 5)
        await subscriber.has(lambda: len(subscriber.events) == 5)

    assert subscriber.numbers == [1, 2, 3, 4, 5]
    assert {event.topic for event in subscriber.events} == {"thing.happened"}
    assert len({event.id for event in subscriber.events}) == 5
    assert all(event.at.tzinfo for event in subscriber.events)


async def test_an_event_of_a_transaction_that_failed_never_was(database, subscriber):
    async def fail():
        async with database.session() as session:
            await emit(session, "thing.happened", {"number": 1})
            raise KeyError

    async with Relay(database, OUTBOX, subscriber="tasking", send=subscriber):
        with pytest.raises(KeyError):
            await fail()
        await say(database, 2)
        await subscriber.has(lambda: subscriber.events)

    assert subscriber.numbers == [2]


async def test_events_wait_for_a_subscriber_that_is_away(database, subscriber):
    subscriber.is_away = True
    relay = Relay(database, OUTBOX, subscriber="tasking", send=subscriber)
    async with relay:
        await say(database, 1)
        await subscriber.has(lambda: subscriber.attempts >= 2)
        await say(database, 2)
        subscriber.is_away = False
        await subscriber.has(lambda: len(subscriber.events) == 2)
        await stored(database, subscriber.events[-1].id)

    numbers = {metric.name: metric.samples[0].value for metric in relay.collect()}
    assert subscriber.numbers == [1, 2]
    assert numbers["outbox_delivered"] == 2
    assert numbers["outbox_failures"] >= 2


def lag(relay):
    """The seconds for which an event may have waited."""
    return {metric.name: metric.samples[0].value for metric in relay.collect()}[
        "outbox_lag_seconds"
    ]


async def reached(condition):
    async with asyncio.timeout(30):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def say_an_hour_ago(database):
    async with database.session() as session:
        old = insert(OUTBOX).values(topic="thing.happened", data={"number": 1})
        await session.execute(old.values(at=text("now() - interval '1 hour'")))


async def test_a_relay_that_hangs_shows_for_how_long_events_wait(database):
    taken = asyncio.Event()

    async def hang(_events):
        await taken.wait()

    relay = Relay(database, OUTBOX, subscriber="tasking", send=hang)
    async with relay:
        assert lag(relay) < 3600
        await say_an_hour_ago(database)
        await reached(lambda: lag(relay) >= 3600)
        taken.set()
        await reached(lambda: lag(relay) < 3600)


async def test_a_database_that_cannot_be_asked_is_no_empty_outbox(place, line, postgres):
    url = place["database_url"].replace(f":{postgres.port}/", f":{line.port}/")
    async with Database(DatabaseSettings(**{**place, "database_url": url})) as database:
        relay = Relay(database, OUTBOX, subscriber="tasking", send=Subscriber())
        async with relay:
            await line.cut()
            await reached(lambda: lag(relay) > 2 * backlog.EVERY_SECONDS)
            await line.mend()
            await reached(lambda: lag(relay) < backlog.EVERY_SECONDS)


async def test_what_was_delivered_is_not_sent_again_after_a_restart(database, subscriber):
    for number in (1, 2):
        async with Relay(database, OUTBOX, subscriber="tasking", send=subscriber):
            await say(database, number)
            await subscriber.has(lambda number=number: number in subscriber.numbers)
            # The cursor is stored after the subscriber has returned.
            await stored(database, subscriber.events[-1].id)

    assert subscriber.numbers == [1, 2]


async def stored(database, event_id):
    cursor = text("SELECT transaction || '-' || id FROM outbox_cursors")
    async with asyncio.timeout(10):
        while True:
            async with database.session() as session:
                if await session.scalar(cursor) == event_id:
                    return
            await asyncio.sleep(0)


async def test_each_subscriber_gets_everything(database, subscriber):
    other = Subscriber()
    async with (
        Relay(database, OUTBOX, subscriber="tasking", send=subscriber),
        Relay(database, OUTBOX, subscriber="archive", send=other),
    ):
        await say(database, 1, 2)
        await subscriber.has(lambda: len(subscriber.events) == 2)
        await other.has(lambda: len(other.events) == 2)


async def test_an_event_that_is_committed_late_is_not_overtaken(database, subscriber):
    async with (
        Relay(database, OUTBOX, subscriber="tasking", send=subscriber),
        database.session() as slow,
    ):
        await emit(slow, "thing.happened", {"number": 1})
        await say(database, 2)
        await say(database, 3)
        await settle(database)
        assert subscriber.events == []
        await slow.commit()
        await subscriber.has(lambda: len(subscriber.events) == 3)

    assert subscriber.numbers == [1, 2, 3]


async def settle(database):
    """Give the relay some turns: each is at least one question to the database."""
    for _ in range(20):
        async with database.session() as session:
            await session.execute(text("SELECT 1"))


async def test_of_many_replicas_one_delivers(place, subscriber):
    async with AsyncExitStack() as stack:
        databases = []
        for _ in range(3):
            database = Database(DatabaseSettings(**place))
            databases.append(await stack.enter_async_context(database))
            relay = Relay(database, OUTBOX, subscriber="tasking", send=subscriber)
            await stack.enter_async_context(relay)
        for number in range(30):
            await say(databases[number % 3], number)
        await subscriber.has(lambda: len(subscriber.events) >= 30)
        await settle(databases[0])

    assert subscriber.numbers == list(range(30))


async def test_a_replica_that_follows_rests_although_it_has_emitted(place, database, subscriber):
    asked = []
    async with Database(DatabaseSettings(**place)) as other:
        leader = Relay(database, OUTBOX, subscriber="tasking", send=subscriber)
        follower = Relay(other, OUTBOX, subscriber="tasking", send=subscriber)
        async with leader:
            await say(database, 1)
            await subscriber.has(lambda: subscriber.numbers == [1])
            async with follower:
                await say(other, 2)
                await subscriber.has(lambda: subscriber.numbers == [1, 2])
                engine = other.engine.sync_engine
                listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
                for _ in range(10):
                    await settle(database)

    assert len(asked) < 50


async def test_another_replica_takes_over(place, database, subscriber):
    successor = Subscriber()
    async with Database(DatabaseSettings(**place)) as other:
        first = Relay(database, OUTBOX, subscriber="tasking", send=subscriber)
        second = Relay(other, OUTBOX, subscriber="tasking", send=successor)
        async with first:
            await say(database, 1)
            await subscriber.has(lambda: subscriber.events)
            await second.__aenter__()
        try:
            await say(database, 2)
            await successor.has(lambda: 2 in successor.numbers)
        finally:
            await second.__aexit__(None, None, None)


async def test_delivery_goes_on_after_the_database_was_away(place, line, postgres, subscriber):
    url = place["database_url"].replace(f":{postgres.port}/", f":{line.port}/")
    async with (
        Database(DatabaseSettings(**{**place, "database_url": url})) as database,
        Relay(database, OUTBOX, subscriber="tasking", send=subscriber),
    ):
        await say(database, 1)
        await subscriber.has(lambda: subscriber.events)
        await line.cut()
        await line.mend()
        await say(database, 2)
        await subscriber.has(lambda: 2 in subscriber.numbers)

    assert list(dict.fromkeys(subscriber.numbers)) == [1, 2]


async def test_an_event_is_new_once_however_many_bring_it(database):
    async def receive() -> bool:
        async with database.session() as session:
            return await already_seen(session, INBOX, "fusion", "7-1")

    outcomes = await asyncio.gather(*(receive() for _ in range(8)))

    assert sorted(outcomes) == [False] + [True] * 7


async def test_an_event_whose_handling_failed_is_new_again(database):
    async def receive(*, fail: bool) -> bool:
        async with database.session() as session:
            seen = await already_seen(session, INBOX, "fusion", "7-1")
            if fail:
                raise KeyError
            return seen

    with pytest.raises(KeyError):
        await receive(fail=True)

    assert await receive(fail=False) is False
    assert await receive(fail=False) is True


@pytest.fixture
async def feed(database, make_kit):
    issuer = TestIssuer()
    app = FastAPI()
    app.state.database = database
    app.state.verifier = issuer.verifier()
    app.include_router(feed_router(OUTBOX))
    kit = make_kit(app)
    async with testing.client(kit) as http:
        http.headers.update(issuer.headers(Role.SERVICE))
        http.kit = kit
        http.issuer = issuer
        yield http


async def test_the_feed_is_read_page_by_page(feed, database):
    await say(database, 1, 2)
    await say(database, 3)
    first = (await feed.get("/v1/events", params={"limit": 2})).json()
    second = (await feed.get("/v1/events", params={"limit": 2, "after": first["next"]})).json()
    third = (await feed.get("/v1/events", params={"after": second["next"]})).json()

    events = [*first["events"], *second["events"]]
    assert [event["data"]["number"] for event in events] == [1, 2, 3]
    assert set(events[0]) == {"id", "topic", "at", "data"}
    assert second["next"] == events[-1]["id"]
    assert third == {"events": [], "next": second["next"]}


async def test_a_reader_who_starts_in_the_present_gets_only_what_comes_later(feed, database):
    await say(database, 1)
    start = (await feed.get("/v1/events", params={"after": "latest"})).json()
    await say(database, 2)
    later = (await feed.get("/v1/events", params={"after": start["next"]})).json()

    assert start["events"] == []
    assert [event["data"]["number"] for event in later["events"]] == [2]


async def test_a_feed_without_events_starts_at_its_beginning(feed):
    assert (await feed.get("/v1/events", params={"after": "latest"})).json()["next"] == "0-0"


async def test_the_feed_waits_for_what_is_to_come(feed, database):
    waiting = asyncio.create_task(feed.get("/v1/events", params={"wait": 20}))
    await settle(database)
    assert not waiting.done()
    await say(database, 1)

    async with asyncio.timeout(5):
        answer = await waiting
    assert [event["data"] for event in answer.json()["events"]] == [{"number": 1}]


async def test_the_feed_waits_no_longer_than_asked(feed):
    answer = await feed.get("/v1/events", params={"wait": 0.01})

    assert answer.json() == {"events": [], "next": "0-0"}


async def test_a_wait_ends_when_the_service_stops(feed, database):
    waiting = asyncio.create_task(feed.get("/v1/events", params={"wait": 20}))
    await settle(database)
    feed.kit.stop()

    async with asyncio.timeout(5):
        assert (await waiting).json()["events"] == []


@pytest.mark.parametrize(
    "params",
    [
        {"after": "7"},
        {"after": "a-b"},
        {"after": "-1-1"},
        {"after": "9" * 19 + "-1"},
        {"after": "1-1\0"},
        {"limit": 0},
        {"limit": 1001},
        {"wait": -1},
        {"wait": "nan"},
        {"wait": 3600},
    ],
)
async def test_a_question_that_makes_no_sense_is_422(feed, params):
    answer = await feed.get("/v1/events", params=params)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_the_feed_is_for_services_only(feed):
    headers = feed.issuer.headers(Role.ADMIN)

    assert (await feed.get("/v1/events", headers=headers)).status_code == 403
