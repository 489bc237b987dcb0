"""The fabric service, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptography.exceptions import UnsupportedAlgorithm
from fastapi import FastAPI

from services.fabric.bootstrap import ensure_clients, read_secrets
from services.fabric.keys import KeyRing, SigningKey
from services.fabric.routes import coverage, nodes, operators, tokens
from services.fabric.settings import Settings
from services.kit.asgi import Kit
from services.kit.clock import Clock, now
from services.kit.database import Database
from services.kit.settings import Secret
from services.kit.tokens import Verifier


def create_app(settings: Settings, *, clock: Clock = now) -> Kit:
    """Build the service; raises `ValueError` for a key or secret that is missing or no good."""
    previous = settings.token_signing_key_previous
    keys = KeyRing(
        current=_key("TOKEN_SIGNING_KEY", settings.token_signing_key),
        previous=_key("TOKEN_SIGNING_KEY_PREVIOUS", previous) if previous else None,
    )
    secrets = read_secrets(settings.client_secrets_dir, settings.bootstrap_clients)
    database = Database(settings)

    @asynccontextmanager
    async def bootstrapped() -> AsyncIterator[None]:
        await ensure_clients(database, settings.bootstrap_clients, secrets)
        yield

    async def own_keys() -> dict[str, list[dict[str, str]]]:
        return keys.jwks()

    app = FastAPI(title="fabric", version="1.0.0")
    app.state.clock = clock
    app.state.database = database
    app.state.keys = keys
    app.state.verifier = Verifier(own_keys, clock=clock)
    for module in (tokens, operators, nodes, coverage):
        app.include_router(module.router)
    return Kit(
        app,
        name="fabric",
        settings=settings,
        checks={"database": database.check},
        resources=[database, bootstrapped],
    )


def _key(variable: str, pem: Secret) -> SigningKey:
    try:
        return SigningKey.from_pem(pem.get_secret_value())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        needed = "an unencrypted Ed25519 private key in PKCS #8 PEM"
        remedy = "`openssl genpkey -algorithm ed25519` makes one"
        raise ValueError(f"{variable}: not {needed}; {remedy}") from error
