"""What the tests of services use: a migrated database, tokens of any role, a client of an app."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from sqlalchemy import make_url
from starlette.types import ASGIApp, Message

from services.kit import migrate, revisions, roles
from services.kit.clock import Clock, now
from services.kit.tokens import ALGORITHM, AUDIENCE, ISSUER, Role, Verifier


class Server(Protocol):
    """A running PostgreSQL, as the `postgres` fixture gives it."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def superuser(self) -> str: ...
    @property
    def password(self) -> str: ...


async def migrated(postgres: Server, service: str) -> dict[str, Any]:
    """Make a fresh database with the roles and tables of `service`.

    Returns keyword arguments for the service's `Settings`: `Settings(**await migrated(...), ...)`.
    """
    template = f"{service}_{_digest_of_migrations(service)}"
    try:
        return await with_roles(postgres, service, template=template)
    except asyncpg.InvalidCatalogNameError:
        await _make_template(postgres, service, template)
    return await with_roles(postgres, service, template=template)


async def with_roles(
    postgres: Server, service: str, *, template: str = "template0"
) -> dict[str, Any]:
    """Make a fresh database with the roles of `service` and its schema, as `template` has it."""
    database = f"test_{secrets.token_hex(8)}"
    await _create(postgres, database, template)
    place = f"{postgres.host}:{postgres.port}/{database}"
    await roles.ensure(
        f"postgresql://{postgres.superuser}@{place}",
        password=postgres.password,
        # All databases of a server share its roles, so every test must give them one password.
        services={service: roles.Passwords(owner=postgres.password, runtime=postgres.password)},
    )
    return {
        "database_url": f"postgresql://{service}@{place}",
        "database_password": postgres.password,
    }


def _digest_of_migrations(service: str) -> str:
    digest = sha256()
    for path in sorted(revisions.folder(service).glob("versions/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


async def _make_template(postgres: Server, service: str, template: str) -> None:
    """Migrate one database that the others are copied from, which is ten times as fast."""
    values = await with_roles(postgres, service)
    url = make_url(values["database_url"])
    owner = url.set(username=f"{service}_owner").render_as_string()
    await migrate.upgrade(service, owner, password=postgres.password)
    async with _connected(postgres) as connection:
        # Whoever was faster has made the same.
        with suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f'ALTER DATABASE "{url.database}" RENAME TO "{template}"')


async def _create(postgres: Server, database: str, template: str) -> None:
    async with _connected(postgres) as connection:
        if await connection.fetchval("SHOW fsync") == "on":
            # A server for tests has nothing to lose but time.
            await connection.execute("ALTER SYSTEM SET fsync = off")
            await connection.execute("SELECT pg_reload_conf()")
        await connection.execute(
            f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy'
        )


@asynccontextmanager
async def _connected(postgres: Server) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        host=postgres.host,
        port=postgres.port,
        user=postgres.superuser,
        password=postgres.password,
        database="postgres",
    )
    try:
        yield connection
    finally:
        await connection.close()


class TestIssuer:
    """Mints tokens as fabric would, with a key of its own, and gives the matching `Verifier`."""

    __test__ = False

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock
        self.key = Ed25519PrivateKey.generate()
        self.kid = secrets.token_hex(4)

    async def jwks(self) -> Mapping[str, Any]:
        """Return the public key as a JWK Set."""
        jwk = OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}]}

    def verifier(self) -> Verifier:
        return Verifier(self.jwks, clock=self._clock)

    def token(self, *roles: Role, subject: str = "tester", **claims: Any) -> str:
        """Return a token that lives ten minutes; `claims` replace or add to the usual ones."""
        issued_at = self._clock()
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "roles": [role.value for role in roles],
            "iat": issued_at,
            "exp": issued_at + timedelta(minutes=10),
        }
        return jwt.encode(
            {**usual, **claims}, self.key, algorithm=ALGORITHM, headers={"kid": self.kid}
        )

    def headers(self, *roles: Role, subject: str = "tester") -> dict[str, str]:
        """Return the header that makes a request one of a caller with `roles`."""
        return {"Authorization": f"Bearer {self.token(*roles, subject=subject)}"}


@asynccontextmanager
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """Run the lifespan of `app` and give a client of it, without a socket between them."""
    async with lifespan(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield http


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Start and stop `app` as a server would; raises what its startup or shutdown raised."""
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    # One task enters and leaves: whatever the app holds meanwhile may be bound to its task.
    task: asyncio.Future[None] = asyncio.ensure_future(app(scope, incoming.get, outgoing.put))
    try:
        await _say(task, incoming, outgoing, "lifespan.startup")
        yield
        await _say(task, incoming, outgoing, "lifespan.shutdown")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _say(
    task: asyncio.Future[None],
    incoming: asyncio.Queue[Message],
    outgoing: asyncio.Queue[Message],
    kind: str,
) -> None:
    await incoming.put({"type": kind})
    answer = asyncio.ensure_future(outgoing.get())
    either: set[asyncio.Future[Any]] = {task, answer}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() or answer.result()["type"] != f"{kind}.complete":
        answer.cancel()
        await task
