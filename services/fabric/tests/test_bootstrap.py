"""The clients that must exist before anybody can log in."""

import asyncio
from datetime import timedelta
from secrets import token_urlsafe

import pytest

from services.fabric.bootstrap import ensure_clients, read_secrets
from services.fabric.grants import log_in
from services.kit.tokens import Role

SECRET, OTHER = token_urlsafe(32), token_urlsafe(32)


def test_every_missing_or_weak_secret_is_named(tmp_path):
    (tmp_path / "fusion_client_secret").write_text("hunter2\n")

    with pytest.raises(ValueError, match="BOOTSTRAP_CLIENTS") as refusal:
        read_secrets(tmp_path, {"admin": Role.ADMIN, "fusion": Role.SERVICE})

    assert str(refusal.value) == (
        f"BOOTSTRAP_CLIENTS: cannot read {tmp_path}/admin_client_secret: No such file or directory"
        f"; {tmp_path}/fusion_client_secret: shorter than 32 characters; make a random one"
    )


def test_a_secret_is_what_the_file_says_without_the_end_of_line(tmp_path):
    (tmp_path / "admin_client_secret").write_text(f"{SECRET}\n")

    assert read_secrets(tmp_path, {"admin": Role.ADMIN}) == {"admin": SECRET}


async def test_many_replicas_may_start_at_once(database, clock):
    clients = {"admin": Role.ADMIN, "fusion": Role.SERVICE, "tasking": Role.SERVICE}
    secrets = dict.fromkeys(clients, SECRET)

    await asyncio.gather(*(ensure_clients(database, clients, secrets) for _ in range(5)))

    async with database.session() as session:
        for client, role in clients.items():
            grant = await log_in(session, client, SECRET, now=clock(), lifetime=timedelta(hours=1))
            assert grant.role is role


async def test_a_changed_secret_replaces_the_old_one(database, clock):
    clients = {"admin": Role.ADMIN}
    await ensure_clients(database, clients, {"admin": SECRET})

    await ensure_clients(database, clients, {"admin": OTHER})

    async with database.session() as session:
        lifetime = timedelta(hours=1)
        assert await log_in(session, "admin", OTHER, now=clock(), lifetime=lifetime)
        assert await log_in(session, "admin", SECRET, now=clock(), lifetime=lifetime) is None


async def test_no_clients_to_ensure_is_fine(database):
    await ensure_clients(database, {}, {})
