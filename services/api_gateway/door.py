"""Who may pass: token, role and rate, before anything is asked of a service."""

from dataclasses import dataclass
from math import inf

from starlette.types import Scope

from services.api_gateway.rates import Rate, Standing, address_key
from services.api_gateway.routes import PUBLIC, Access, Route
from services.kit.problems import Code, Problem
from services.kit.tokens import Verifier


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may go on, until its token expires (seconds of the Unix epoch)."""

    standing: Standing
    expires_at: float = inf


class Door:
    """Judges requests coarsely; what it lets through is judged finely by its service."""

    def __init__(self, verifier: Verifier, *, usual: Rate, logins: Rate) -> None:
        self._verifier = verifier
        self._usual = usual
        # Where credentials can be guessed, and no token says yet who is asking.
        self._logins = logins

    async def admit(self, scope: Scope, route: Route) -> Admission:
        """Let a request in.

        Raises:
            Problem: `method_not_allowed`, `unauthenticated`, `token_expired`, `forbidden`,
                `rate_limited`, or `unavailable` when there are no keys to verify a token by.
        """
        method = scope["method"]
        access = route.access.get("GET" if method == "HEAD" else method)
        if access is None:
            raise Problem(
                Code.METHOD_NOT_ALLOWED,
                f"{route.prefix} allows {route.allow}",
                headers={"Allow": route.allow},
            )
        if access is PUBLIC:
            rate = self._logins if method == "POST" else self._usual
            return Admission(await _within(rate, _address(scope)))
        return await self._admit_with_token(scope, access)

    async def _admit_with_token(self, scope: Scope, access: Access) -> Admission:
        try:
            caller = await self._verifier.verify(_bearer_token(scope["headers"]))
        except Problem:
            await _within(self._usual, _address(scope))
            raise
        standing = await _within(self._usual, caller.subject)
        if not caller.may_act_as(*access):
            raise Problem(Code.FORBIDDEN, f"only for: {', '.join(sorted(access))}")
        return Admission(standing, caller.expires_at)


def _bearer_token(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == b"bearer":
                return token.strip().decode("latin-1")
    raise Problem(Code.UNAUTHENTICATED, "send `Authorization: Bearer <token>`")


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return f"address {address_key(client[0])}" if client else "address unknown"


async def _within(rate: Rate, client: str) -> Standing:
    standing = await rate.count(client)
    if standing.is_exceeded:
        raise Problem(
            Code.RATE_LIMITED,
            f"more than {rate.limit}; wait {standing.resets_in} s",
            retry_after=standing.resets_in,
            headers={name.decode(): value.decode() for name, value in standing.headers()},
        )
    return standing
