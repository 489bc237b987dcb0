"""Who may have a token: logging in with a secret, and going on with a refresh token."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.fabric.models import Client, TokenFamily
from services.kit.tokens import Role

# An unknown client is compared with this, so that it answers as a wrong secret does.
NO_DIGEST = bytes(32)
SWEEP_LIMIT = 100


@dataclass(frozen=True)
class Grant:
    """A client that proved itself, and the refresh token that follows."""

    client_id: str
    role: Role
    refresh_token: str


def new_secret() -> str:
    """Return 256 random bits as text."""
    return token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of `secret`.

    A plain SHA-256 is right here, unlike for passwords: against 256 random bits no guessing gets
    anywhere, so salt and slowness would add nothing (NIST SP 800-63B section 5.1.2.2).
    """
    return sha256(secret.encode()).digest()


async def add_client(session: AsyncSession, client_id: str, role: Role) -> str | None:
    """Store a client and return its secret, or None when there is one of that id."""
    secret = new_secret()
    added = await session.scalar(
        insert(Client)
        .values(id=client_id, role=role, secret_sha256=digest(secret))
        .on_conflict_do_nothing()
        .returning(Client.id)
    )
    return secret if added else None


async def log_in(
    session: AsyncSession, client_id: str, secret: str, *, now: datetime, lifetime: timedelta
) -> Grant | None:
    """Open a family of refresh tokens, or return None when client and secret do not match."""
    client = await session.get(Client, client_id)
    stored = client.secret_sha256 if client else NO_DIGEST
    if not hmac.compare_digest(stored, digest(secret)) or client is None:
        return None
    await _sweep(session, now)
    family, secret = uuid4(), new_secret()
    session.add(
        TokenFamily(
            id=family,
            client_id=client.id,
            secret_sha256=digest(secret),
            expires_at=now + lifetime,
        )
    )
    return Grant(client.id, client.role, f"{family.hex}.{secret}")


async def refresh(session: AsyncSession, token: str, *, now: datetime) -> Grant | None:
    """Exchange the newest refresh token of a family; any other one ends the family.

    A token that was used before means that two parties hold it, and there is no telling which is
    the thief (RFC 9700 section 4.14.2): both must log in again. One statement decides, so of two
    replicas asked at once exactly one exchanges. The caller commits also when the answer is None.
    """
    family, _, secret = token.partition(".")
    try:
        family_id = UUID(hex=family)
    except ValueError:
        return None
    replacement = new_secret()
    exchanged = await session.scalar(
        update(TokenFamily)
        .where(TokenFamily.id == family_id)
        .where(TokenFamily.secret_sha256 == digest(secret))
        .where(TokenFamily.expires_at > now)
        .values(secret_sha256=digest(replacement))
        .returning(TokenFamily.client_id)
    )
    if exchanged is None:
        await session.execute(delete(TokenFamily).where(TokenFamily.id == family_id))
        return None
    client = await session.get_one(Client, exchanged)
    return Grant(client.id, client.role, f"{family_id.hex}.{replacement}")


async def _sweep(session: AsyncSession, now: datetime) -> None:
    """Drop some families that are over; skipping locked rows, replicas never wait on each other."""
    over = (
        select(TokenFamily.id)
        .where(TokenFamily.expires_at <= now)
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(TokenFamily).where(TokenFamily.id.in_(over)))
