"""Tokens: given for a secret, renewed by a refresh token, verified by the published keys."""

from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.fabric.dependencies import KeysDep, NowDep, SettingsDep
from services.fabric.grants import log_in, refresh
from services.kit.database import SessionDep
from services.kit.problems import Code, Problem
from services.kit.tokens import AUDIENCE, ISSUER

router = APIRouter(tags=["tokens"])


class ClientCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    grant_type: Literal["client_credentials"]
    client_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    client_secret: str = Field(min_length=1, max_length=256)


class RefreshToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    grant_type: Literal["refresh_token"]
    refresh_token: str = Field(min_length=1, max_length=256)


Wish = Annotated[ClientCredentials | RefreshToken, Field(discriminator="grant_type")]


class Tokens(BaseModel):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a kind of token
    expires_in: int
    refresh_token: str


@router.post("/v1/tokens")
async def give_tokens(
    wish: Wish, session: SessionDep, keys: KeysDep, settings: SettingsDep, now: NowDep
) -> Tokens:
    """Give an access token and a refresh token, which works once."""
    if isinstance(wish, RefreshToken):
        grant = await refresh(session, wish.refresh_token, now=now)
    else:
        grant = await log_in(
            session,
            wish.client_id,
            wish.client_secret,
            now=now,
            lifetime=settings.refresh_token_lifetime,
        )
    # Before a refusal too: it may have ended a family of refresh tokens.
    await session.commit()
    if grant is None:
        raise Problem(Code.UNAUTHENTICATED, "these credentials are not valid; log in again")
    access_token = keys.sign(
        {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": grant.client_id,
            "roles": [grant.role],
            "iat": now,
            "exp": now + settings.access_token_lifetime,
            "jti": uuid4().hex,
        }
    )
    return Tokens(
        access_token=access_token,
        expires_in=int(settings.access_token_lifetime.total_seconds()),
        refresh_token=grant.refresh_token,
    )


@router.get("/.well-known/jwks.json")
async def published_keys(keys: KeysDep) -> dict[str, list[dict[str, str]]]:
    """Return the public keys that verify access tokens, as a JWK Set."""
    return keys.jwks()
