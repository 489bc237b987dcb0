"""Logging in, and the single use of refresh tokens."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from services.fabric.grants import add_client, log_in, refresh
from services.fabric.models import TokenFamily
from services.kit.tokens import Role

DAY = timedelta(days=1)


@pytest.fixture
async def secret(database):
    async with database.session() as session:
        return await add_client(session, "ann", Role.VIEWER)


@pytest.fixture
def enter(database, clock):
    async def enter(client_id, secret):
        async with database.session() as session:
            return await log_in(session, client_id, secret, now=clock(), lifetime=DAY)

    return enter


@pytest.fixture
def renew(database, clock):
    async def renew(token):
        async with database.session() as session:
            return await refresh(session, token, now=clock())

    return renew


async def test_the_right_secret_is_granted_the_role(secret, enter):
    grant = await enter("ann", secret)

    assert (grant.client_id, grant.role) == ("ann", Role.VIEWER)


@pytest.mark.parametrize("client_id", ["ann", "nobody"])
async def test_a_wrong_secret_and_an_unknown_client_are_granted_nothing(secret, enter, client_id):
    assert await enter(client_id, "wrong") is None


async def test_a_client_id_is_given_once(secret, database, enter):
    async with database.session() as session:
        assert await add_client(session, "ann", Role.ADMIN) is None

    assert (await enter("ann", secret)).role is Role.VIEWER


async def test_refreshing_goes_on_and_on(secret, enter, renew):
    grant = await enter("ann", secret)

    for _ in range(3):
        grant = await renew(grant.refresh_token)

    assert (grant.client_id, grant.role) == ("ann", Role.VIEWER)


async def test_a_replayed_refresh_token_ends_the_whole_family(secret, enter, renew):
    first = await enter("ann", secret)
    second = await renew(first.refresh_token)

    assert await renew(first.refresh_token) is None
    assert await renew(second.refresh_token) is None


async def test_another_login_is_another_family(secret, enter, renew):
    stolen, other = await enter("ann", secret), await enter("ann", secret)
    await renew(stolen.refresh_token)
    await renew(stolen.refresh_token)

    assert await renew(other.refresh_token)


async def test_of_two_uses_at_once_at_most_one_is_granted(secret, enter, renew):
    grant = await enter("ann", secret)

    answers = await asyncio.gather(*(renew(grant.refresh_token) for _ in range(5)))

    assert sum(answer is not None for answer in answers) == 1


async def test_a_family_ends_in_time_however_often_it_was_refreshed(secret, enter, renew, clock):
    grant = await enter("ann", secret)
    clock.advance(seconds=DAY.total_seconds() / 2)
    grant = await renew(grant.refresh_token)
    clock.advance(seconds=DAY.total_seconds() / 2)

    assert await renew(grant.refresh_token) is None


async def test_families_that_are_over_are_swept_away(secret, enter, database, clock):
    await enter("ann", secret)
    clock.advance(seconds=DAY.total_seconds())

    await enter("ann", secret)

    async with database.session() as session:
        assert await session.scalar(select(func.count()).select_from(TokenFamily)) == 1


@pytest.mark.parametrize("token", ["", ".", "x.y", "0" * 32, "0" * 32 + ".x"])
async def test_what_is_no_refresh_token_is_granted_nothing(database, renew, token):
    assert await renew(token) is None


async def test_secrets_are_not_stored(secret, enter, database):
    grant = await enter("ann", secret)

    async with database.session() as session:
        family = (await session.scalars(select(TokenFamily))).one()
    assert family.secret_sha256 not in (grant.refresh_token.encode(), secret.encode())
    assert len(family.secret_sha256) == 32
