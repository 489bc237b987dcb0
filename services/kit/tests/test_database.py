"""A database that is bounded, and back at once after a crash; what it refuses is no bug of ours."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.kit import testing
from services.kit.asgi import Kit
from services.kit.database import Database, SessionDep
from services.kit.problems import Code, Problem
from services.kit.settings import DatabaseSettings, ServiceSettings

INSERT = text("INSERT INTO things (id, name, data) VALUES (:id, :name, CAST(:data AS jsonb))")


async def insert(database: Database, number: int, name: Any = "a", data: str = "{}") -> None:
    async with database.session() as session:
        await session.execute(INSERT, {"id": number, "name": name, "data": data})


async def count(database: Database) -> int:
    async with database.session() as session:
        return await session.scalar(text("SELECT count(*) FROM things"))


@pytest.fixture
async def through_line(place, line, postgres):
    """Return a database that is reached through a line that can be cut."""
    url = place["database_url"].replace(f":{postgres.port}/", f":{line.port}/")
    async with Database(DatabaseSettings(**{**place, "database_url": url})) as database:
        yield database


async def test_work_is_committed_at_the_end(database):
    await insert(database, 1)

    assert await count(database) == 1


async def test_an_exception_undoes_the_work(database):
    async def work() -> None:
        async with database.session() as session:
            await session.execute(INSERT, {"id": 1, "name": "a", "data": "{}"})
            raise KeyError

    with pytest.raises(KeyError):
        await work()

    assert await count(database) == 0


async def test_work_may_be_committed_before_the_end(database):
    async def work() -> None:
        async with database.session() as session:
            await session.execute(INSERT, {"id": 1, "name": "a", "data": "{}"})
            await session.commit()
            raise KeyError

    with pytest.raises(KeyError):
        await work()

    assert await count(database) == 1


async def test_each_connection_is_bounded_and_stays_in_its_schema(database):
    names = ("statement_timeout", "lock_timeout", "search_path", "application_name", "TimeZone")
    async with database.session() as session:
        found = [await session.scalar(text(f"SHOW {name}")) for name in names]

    assert found == ["5s", "2s", "toy", "toy", "UTC"]


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 17])
async def test_a_text_that_cannot_be_stored_is_the_clients_fault(database, name):
    with pytest.raises(Problem) as refused:
        await insert(database, 1, name)

    assert refused.value.code is Code.VALIDATION_FAILED


@pytest.mark.parametrize("data", ['{"a": "\\u0000"}', '{"a": NaN}', '"\\ud800"'])
async def test_json_that_cannot_be_stored_is_the_clients_fault(database, data):
    with pytest.raises(Problem) as refused:
        await insert(database, 1, data=data)

    assert refused.value.code is Code.VALIDATION_FAILED


@pytest.mark.parametrize("number", [2**31, 2**63, -(2**200)])
async def test_a_number_out_of_range_is_the_clients_fault(database, number):
    with pytest.raises(Problem) as refused:
        await insert(database, number)

    assert refused.value.code is Code.VALIDATION_FAILED


async def test_a_violated_constraint_is_for_the_service_to_judge(database):
    await insert(database, 1)
    with pytest.raises(IntegrityError):
        await insert(database, 1)


async def test_a_statement_of_ours_that_is_wrong_stays_a_bug(database):
    with pytest.raises(Exception, match="no_such_table"):
        async with database.session() as session:
            await session.execute(text("SELECT * FROM no_such_table"))


async def test_a_statement_that_takes_too_long_is_unavailable(place):
    settings = DatabaseSettings(**place, database_statement_timeout_seconds=0.05)
    async with Database(settings) as database:
        with pytest.raises(Problem) as refused:
            async with database.session() as session:
                await session.execute(text("SELECT pg_sleep(30)"))

    assert refused.value.code is Code.UNAVAILABLE


async def test_a_lock_that_is_not_given_is_unavailable(place):
    settings = DatabaseSettings(**place, database_lock_timeout_seconds=0.05)
    async with Database(settings) as database, database.session() as session:
        await session.execute(text("LOCK TABLE things"))
        with pytest.raises(Problem) as refused:
            await insert(database, 1)

    assert refused.value.code is Code.UNAVAILABLE
    assert refused.value.detail == "what is to be changed is locked by another request"


async def test_a_deadlock_is_worth_a_retry(database):
    await insert(database, 1, "a")
    await insert(database, 2, "b")
    meeting = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> None:
        async with database.session() as session:
            for number in (first, second):
                update = text("UPDATE things SET size = 1 WHERE id = :id")
                await session.execute(update, {"id": number})
                if number == first:
                    await meeting.wait()

    outcomes = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)

    (loser,) = [outcome for outcome in outcomes if outcome]
    assert isinstance(loser, Problem)
    assert (loser.code, loser.code.retryable) == (Code.UNAVAILABLE, True)


async def test_a_collision_of_transactions_is_worth_a_retry(database):
    await insert(database, 1)

    async def collide() -> None:
        async with database.session() as session:
            await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
            await session.execute(text("SELECT * FROM things"))
            async with database.session() as other:
                await other.execute(text("UPDATE things SET size = 2"))
            await session.execute(text("UPDATE things SET size = 3"))

    with pytest.raises(Problem) as refused:
        await collide()

    assert (refused.value.code, refused.value.headers["Retry-After"]) == (Code.UNAVAILABLE, "1")


async def test_an_exhausted_pool_is_unavailable_and_counted(place):
    settings = DatabaseSettings(**place, database_pool_size=1, database_pool_timeout_seconds=0.02)
    async with Database(settings) as database:
        async with database.session() as session:
            await session.execute(text("SELECT 1"))
            numbers = {
                (sample.name, *sample.labels.values()): sample.value
                for metric in database.collect()
                for sample in metric.samples
            }
            with pytest.raises(Problem) as refused:
                await count(database)
        timeouts = [metric.samples[0].value for metric in database.collect()][-1]

    assert refused.value.code is Code.UNAVAILABLE
    assert numbers == {
        ("db_pool_connections", "in_use"): 1,
        ("db_pool_connections", "idle"): 0,
        ("db_pool_size",): 1,
        ("db_pool_timeouts_total",): 0,
    }
    assert timeouts == 1


async def test_connections_that_the_server_closed_are_replaced_unnoticed(database):
    await asyncio.gather(*(count(database) for _ in range(5)))
    async with database.session() as session:
        others = "datname = current_database() AND usename = 'toy' AND pid <> pg_backend_pid()"
        end = text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        left = text(f"SELECT count(*) FROM pg_stat_activity WHERE {others}")
        await session.execute(end)
        async with asyncio.timeout(10):
            while await session.scalar(left):
                await session.commit()

    assert await asyncio.gather(*(count(database) for _ in range(5))) == [0] * 5


async def test_a_server_that_is_gone_is_unavailable_and_back_at_once(through_line, line):
    await insert(through_line, 1)
    await line.cut()
    for _ in range(3):
        with pytest.raises(Problem) as refused:
            await count(through_line)
        assert refused.value.code is Code.UNAVAILABLE
    await line.mend()

    assert await count(through_line) == 1


async def test_a_server_that_goes_amid_a_transaction_is_unavailable(through_line, line):
    async def work() -> None:
        async with through_line.session() as session:
            await session.execute(INSERT, {"id": 1, "name": "a", "data": "{}"})
            await line.cut()
            await session.execute(text("SELECT 1"))

    with pytest.raises(Problem) as refused:
        await work()

    assert refused.value.code is Code.UNAVAILABLE
    await line.mend()
    assert await count(through_line) == 0


async def test_a_server_that_goes_before_the_commit_is_unavailable(through_line, line):
    async def work() -> None:
        async with through_line.session() as session:
            await session.execute(INSERT, {"id": 1, "name": "a", "data": "{}"})
            await line.cut()

    with pytest.raises(Problem) as refused:
        await work()

    assert refused.value.code is Code.UNAVAILABLE


async def test_readiness_follows_the_server(through_line, line):
    app = FastAPI()
    kit = Kit(
        app,
        name="toy",
        settings=ServiceSettings(),
        checks={"database": through_line.check},
        resources=[through_line],
    )
    async with testing.client(kit) as http:
        assert (await http.get("/readyz")).status_code == 200
        await line.cut()
        answer = await http.get("/readyz")
        await line.mend()
        again = await http.get("/readyz")
        shown = (await http.get("/metrics")).text

    assert answer.status_code == 503
    assert answer.json()["checks"]["database"]["detail"] == "the database cannot be reached"
    assert again.status_code == 200
    assert 'db_pool_connections{state="in_use"}' in shown


async def test_a_schema_without_its_migrations_is_not_ready(postgres, toy):
    async with Database(DatabaseSettings(**await testing.with_roles(postgres, "toy"))) as database:
        with pytest.raises(Problem, match="at migration None, not yet at 0002"):
            await database.check()


async def test_a_schema_that_is_behind_is_not_ready(place, toy):
    source = "revision = '0003'\ndown_revision = '0002'\n"
    (toy / "migrations" / "versions" / "0003_more.py").write_text(source)
    async with Database(DatabaseSettings(**place)) as database:
        with pytest.raises(Problem, match="at migration 0002, not yet at 0003"):
            await database.check()


async def test_a_schema_that_a_newer_release_made_is_ready(place, toy):
    (toy / "migrations" / "versions" / "0002_note.py").unlink()
    async with Database(DatabaseSettings(**place)) as database:
        await database.check()


@pytest.fixture
async def stored(database):
    app = FastAPI()
    app.state.database = database

    @app.put("/things/{number}")
    async def store(number: int, name: str, session: SessionDep) -> str:
        await session.execute(INSERT, {"id": number, "name": name, "data": "{}"})
        return name

    async with testing.client(Kit(app, name="toy", settings=ServiceSettings())) as http:
        yield http


async def test_a_route_has_a_session_that_is_committed_before_it_answers(stored, database):
    answer = await stored.put("/things/1", params={"name": "a"})

    assert (answer.status_code, await count(database)) == (200, 1)


async def test_a_route_whose_database_is_away_answers_503(through_line, line, make_kit):
    app = FastAPI()
    app.state.database = through_line

    @app.get("/count")
    async def read(session: SessionDep) -> int:
        return await session.scalar(text("SELECT count(*) FROM things"))

    async with testing.client(make_kit(app)) as http:
        await line.cut()
        answer = await http.get("/count")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_a_request_that_runs_out_of_time_gives_its_connection_back(place, make_kit):
    settings = DatabaseSettings(**place, database_pool_size=1)
    async with Database(settings) as database:
        app = FastAPI()
        app.state.database = database

        @app.get("/sleep")
        async def sleep(session: SessionDep, seconds: float) -> None:
            await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})

        async with testing.client(make_kit(app)) as http:
            late = await http.get("/sleep?seconds=4", headers={"X-Request-Timeout-Ms": "20"})
            fine = await http.get("/sleep?seconds=0")

    assert (late.status_code, fine.status_code) == (504, 200)
