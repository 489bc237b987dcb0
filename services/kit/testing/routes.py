"""What every route refuses, told once for the tests of all services.

A service lists its routes and, as `parametrize` asks for it, `refusals(ROUTES, ...)`; each of them
is one request that must be answered by one problem.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from services.kit.clock import FakeClock
from services.kit.testing.clients import Api
from services.kit.testing.tokens import TestIssuer
from services.kit.tokens import Role

READERS = frozenset({"viewer", "operator", "admin", "service"})
OPERATORS = frozenset({"operator", "admin"})
ANYONE = frozenset(Role)
# What the kit adds to every service.
OURS = frozenset({"/health", "/livez", "/readyz", "/metrics"})

JSON = {"content-type": "application/json"}
NO_JSON = (b"{", b"\xff\xfe", b"{'key': 1}")
WRONG_TYPES: tuple[object, ...] = (None, [], "text", 7, {})
HUGE = b'{"name": "' + b"n" * 2_000_000 + b'"}'


@dataclass(frozen=True)
class Route:
    """A route of a service and who may use it; a public one has no roles."""

    method: str
    path: str
    roles: Collection[str] = ()
    takes_body: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def url(self) -> str:
        """The path with an id that nothing has."""
        return re.sub(r"\{\w+\}", str(UUID(int=1)), self.path)

    @property
    def role(self) -> str:
        """A role that may use it; a public route does not mind."""
        return min(self.roles, default="admin")


@dataclass(frozen=True)
class Refusal:
    """A request by `role`, as `request` of httpx takes it, and the problem that answers it."""

    name: str
    status: int
    code: str
    method: str
    url: str
    role: str | None = None
    is_forged: bool = False
    minutes_later: float = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    async def check(self, api: Api, clock: FakeClock) -> None:
        """Ask; raises `AssertionError` if the answer is another."""
        client = api(self.role)
        if self.is_forged:
            client.headers.update(TestIssuer(clock).headers(*Role))
        clock.advance(minutes=self.minutes_later)
        answer = await client.request(self.method, self.url, **self.options)
        found = f"{answer.status_code} {answer.headers.get('content-type')} {answer.text}"
        assert found.startswith(f"{self.status} application/problem+json "), (
            f"no {self.status}: {found}"
        )
        assert answer.json().get("code") == self.code, f"no {self.code}: {found}"


async def every_route(http: httpx.AsyncClient) -> set[str]:
    """Return the routes that a service documents, as `str(Route(...))` writes them."""
    document = (await http.get("/openapi.json")).json()
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        if path not in OURS
        for method in methods
    }


def refusals(
    routes: Sequence[Route], *, bodies: Sequence[object] = (), questions: Sequence[str] = ()
) -> list[Refusal]:
    """Return all that `routes` must refuse.

    `bodies` are not valid for any route, besides those that are valid nowhere; `questions` are
    paths that a viewer may ask for, but with an id or a query that cannot be.
    """
    found: list[Refusal] = []
    for route in routes:
        if route.roles:
            found += _callers(route)
        if route.takes_body:
            found += _bodies(route, (*WRONG_TYPES, *bodies))
    for path in questions:
        name = f"GET {path}"
        found.append(Refusal(name, 422, "validation_failed", "GET", path, role="viewer"))
    return found


def _callers(route: Route) -> Iterator[Refusal]:
    where = (route.method, route.url)
    yield Refusal(f"{route} without a token", 401, "unauthenticated", *where)
    yield Refusal(f"{route} by a forged token", 401, "unauthenticated", *where, is_forged=True)
    yield Refusal(
        f"{route} by an expired token",
        401,
        "token_expired",
        *where,
        role=route.role,
        minutes_later=10,
    )
    for role in sorted(ANYONE - set(route.roles)):
        yield Refusal(f"{route} as {role}", 403, "forbidden", *where, role=role)


def _bodies(route: Route, wrong: Sequence[object]) -> Iterator[Refusal]:
    where = (route.method, route.url, route.role)
    for content in NO_JSON:
        name = f"{route} with {content!r}, which is no JSON"
        options = {"content": content, "headers": JSON}
        yield Refusal(name, 400, "malformed_body", *where, options=options)
    for body in wrong:
        name = f"{route} with {body!r}, which is not valid"
        yield Refusal(name, 422, "validation_failed", *where, options={"json": body})
    name = f"{route} with a huge body"
    options = {"content": HUGE, "headers": JSON}
    yield Refusal(name, 413, "payload_too_large", *where, options=options)
