"""Who is calling: bearer tokens signed by fabric, their verification, and what a role may do."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import inf
from time import monotonic
from typing import Annotated, Any, cast

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.kit.clock import Clock, now
from services.kit.problems import Code, Problem

ISSUER = "summit-fabric"
AUDIENCE = "summit"
ALGORITHM = "EdDSA"
# What the clocks of two machines may differ by.
LEEWAY = timedelta(seconds=5)
REMEMBERED = 4096
# As long as an access token lives: one that was signed just before its key was withdrawn.
KEEP_SECONDS = 600

log = logging.getLogger(__name__)

FetchKeys = Callable[[], Awaitable[Mapping[str, Any]]]


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    NODE = "node"
    SERVICE = "service"


# Whoever holds the role on the left also passes where one on the right is asked for.
_IMPLIED = {
    Role.OPERATOR: frozenset({Role.VIEWER}),
    Role.ADMIN: frozenset({Role.OPERATOR, Role.VIEWER}),
}


@dataclass(frozen=True)
class Caller:
    """The client a token was given to, with the roles it was given.

    `expires_at` is when the token does, in seconds of the Unix epoch.
    """

    subject: str
    roles: frozenset[Role]
    expires_at: float = field(default=inf, compare=False)

    def may_act_as(self, *wanted: Role) -> bool:
        """Tell whether any of the caller's roles is, or implies, one of `wanted`."""
        held = self.roles.union(*(_IMPLIED.get(role, frozenset()) for role in self.roles))
        return not held.isdisjoint(wanted)


class Verifier:
    """Turns a token into a `Caller`, by the keys that `fetch` returns as a JWK Set (RFC 7517).

    Keys are fetched again when a token names one that is not among them, and when they are older
    than `keep` seconds, so that a key taken out of use is not believed for ever; at most every
    `refetch_after` seconds, so that made-up key ids cannot hammer the issuer. While it cannot be
    asked, the keys at hand go on. Tokens that were verified once are remembered until they expire
    or the keys are fetched.
    """

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        clock: Clock = now,
        refetch_after: float = 5,
        keep: float = KEEP_SECONDS,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._refetch_after = refetch_after
        self._keep = keep
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._aged_at = inf
        self._fetching = asyncio.Lock()
        self._verified: OrderedDict[str, Caller] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """Return the caller; raises `Problem` unauthenticated, token_expired or unavailable."""
        if monotonic() >= self._aged_at:
            await self._renew()
        known = self._verified.get(token)
        if known is None:
            known = await self._check(token)
            self._verified[token] = known
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        if self._clock().timestamp() >= known.expires_at:
            raise Problem(Code.TOKEN_EXPIRED, "the token has expired; get another one")
        return known

    async def _renew(self) -> None:
        async with self._fetching:
            if monotonic() < self._aged_at:
                return  # another request was faster
            self._aged_at = monotonic() + self._refetch_after
            try:
                await self._refetch()
            except Problem as problem:
                log.warning("signing keys could not be renewed: %s", problem)

    async def _check(self, token: str) -> Caller:
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid")))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                # Times are compared below, with a clock that tests can move.
                options={
                    "require": ["exp", "iat", "sub", "iss", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            return self._read(claims)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise Problem(Code.UNAUTHENTICATED, "the token is not valid") from error

    def _read(self, claims: Mapping[str, Any]) -> Caller:
        latest = (self._clock() + LEEWAY).timestamp()
        if any(float(claims.get(name, latest)) > latest for name in ("iat", "nbf")):
            raise ValueError("the token is not valid yet")
        roles = frozenset(Role(role) for role in claims.get("roles", ()))
        return Caller(str(claims["sub"]), roles, float(claims["exp"]))

    async def _key(self, kid: str) -> jwt.PyJWK:
        if kid not in self._keys:
            async with self._fetching:
                if kid not in self._keys and self._may_fetch():
                    await self._refetch()
        if kid not in self._keys:
            raise ValueError("signed by an unknown key")
        return self._keys[kid]

    def _may_fetch(self) -> bool:
        return self._fetched_at is None or monotonic() - self._fetched_at >= self._refetch_after

    async def _refetch(self) -> None:
        document = await self._fetch()
        self._keys = {
            key["kid"]: jwt.PyJWK(key, algorithm=ALGORITHM)
            for key in document["keys"]
            if key.get("kid")
        }
        self._fetched_at = monotonic()
        self._aged_at = self._fetched_at + self._keep
        self._verified.clear()


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


def require(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that gives the `Caller` when one of `roles` is held.

    Raises `Problem` unauthenticated, token_expired or forbidden.
    """

    async def caller(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        if credentials is None:
            raise Problem(Code.UNAUTHENTICATED, "send `Authorization: Bearer <token>`")
        verifier = cast(Verifier, request.app.state.verifier)
        found = await verifier.verify(credentials.credentials)
        if not found.may_act_as(*roles):
            raise Problem(Code.FORBIDDEN, f"only for: {', '.join(roles)}")
        return found

    return caller
