"""The service on an empty database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.fabric.app import create_app
from services.fabric.keys import KeyRing
from services.fabric.models import Base
from services.fabric.settings import Settings
from services.kit.asgi import Kit
from services.kit.clock import FakeClock
from services.kit.database import Database
from services.kit.testing import Api, Server, callers, emptied, lifespan, migrated
from services.kit.tokens import AUDIENCE, ISSUER


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def new_pem() -> Callable[[], str]:
    def make() -> str:
        key = Ed25519PrivateKey.generate()
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    return make


@pytest.fixture
def admin_secret(tmp_path: Path) -> str:
    secret = token_urlsafe(32)
    (tmp_path / "admin_client_secret").write_text(secret)
    return secret


@pytest.fixture(scope="session")
def place(postgres: Server) -> dict[str, Any]:
    """A database for all tests of this process; each one finds it empty."""
    return asyncio.run(migrated(postgres, "fabric"))


@pytest.fixture
def settings(
    place: dict[str, Any], new_pem: Callable[[], str], admin_secret: str, tmp_path: Path
) -> Settings:
    return Settings(
        **place,
        token_signing_key=new_pem(),
        client_secrets_dir=tmp_path,
        bootstrap_clients="admin:admin",
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The tables without the service."""
    async with emptied(settings, Base.metadata) as database:
        yield database


@pytest.fixture
async def kit(settings: Settings, database: Database, clock: FakeClock) -> AsyncIterator[Kit]:
    kit = create_app(settings, clock=clock)
    async with lifespan(kit):
        yield kit


@pytest.fixture
async def api(kit: Kit, clock: FakeClock) -> Api:
    """Its tokens are signed as the service signs them."""

    def sign(role: str, subject: str) -> dict[str, str]:
        now = clock()
        claims = {"sub": subject, "roles": [role], "iat": now, "exp": now + timedelta(minutes=10)}
        keys: KeyRing = kit.app.state.keys
        token = keys.sign({"iss": ISSUER, "aud": AUDIENCE, **claims})
        return {"authorization": f"Bearer {token}"}

    return callers(kit, sign)
