"""One service behind the gateway: its connections, and what is tried again."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)
from yarl import URL

from services.api_gateway.circuit import Circuit
from services.kit.problems import Code, Problem

ATTEMPTS = 3
REPEATABLE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
# Not 504: how much time there is was the client's choice.
UNHEALTHY = frozenset({502, 503})
CONNECT_TIMEOUT_S = 2.0
SILENCE_TIMEOUT_S = 60.0
# Less than the 5 s after which uvicorn closes an idle connection: the upstream must not be the one
# to hang up just as a request that may not be repeated is written.
KEEPALIVE_S = 3.0


class ClientGoneError(Exception):
    """The client closed its connection before it was answered in full."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A request as an upstream gets it; `target` is the path and query, still encoded."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] | None
    deadline: float  # as time.monotonic() tells it

    @property
    def is_repeatable(self) -> bool:
        """Whether twice is the same as once, and there is no body that is used up."""
        return self.method in REPEATABLE_METHODS and self.body is None


class RefusedError(Exception):
    """The upstream answered that it cannot serve now; carries the answer, its body unread."""

    def __init__(self, response: ClientResponse) -> None:
        super().__init__(f"answered {response.status}")
        self.response = response


class Upstream:
    """Sends requests to one service."""

    def __init__(self, name: str, url: str, *, session: ClientSession, circuit: Circuit) -> None:
        self.name = name
        self.circuit = circuit
        self._url = url.rstrip("/")
        self._session = session

    async def send(self, request: Forwarded) -> ClientResponse:
        """Return the upstream's answer, whatever its status, with its body unread.

        Raises:
            Problem: `unavailable` while the circuit is open or nobody listens there, and
                `upstream_failed` when the connection broke before the answer came.
            ClientGoneError: the request's body broke off.
        """
        try:
            try:
                return await self._attempt(request)
            except (ClientError, RefusedError) as failure:
                if not request.is_repeatable:
                    raise
                return await self._try_again(request, failure)
        except RefusedError as refused:
            return refused.response
        except (ClientConnectorError, ConnectionTimeoutError) as failure:
            raise Problem(
                Code.UNAVAILABLE, f"{self.name} cannot be reached", retry_after=1
            ) from failure
        except ClientError as failure:
            raise Problem(
                Code.UPSTREAM_FAILED, f"{self.name} broke off before it answered"
            ) from failure

    async def _try_again(self, request: Forwarded, failure: Exception) -> ClientResponse:
        # A request comes under tenacity only once it has failed, and tenacity is then told of that
        # failure first: its bookkeeping costs a tenth of what a whole request does.
        failures = [failure]

        async def attempt() -> ClientResponse:
            if failures:
                raise failures.pop()
            return await self._attempt(request)

        return await AsyncRetrying(
            retry=retry_if_exception_type((ClientError, RefusedError)),
            wait=wait_random_exponential(multiplier=0.05, max=0.5),
            stop=stop_after_attempt(ATTEMPTS)
            | stop_before_delay(max(0.0, request.deadline - time.monotonic())),
            before_sleep=_let_go,
            reraise=True,
        )(attempt)

    async def _attempt(self, request: Forwarded) -> ClientResponse:
        self.circuit.check()
        try:
            response = await self._session.request(
                request.method,
                URL(self._url + request.target, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
            )
        except ClientError as failure:
            if isinstance(failure.__cause__, (ClientGoneError, Problem)):
                raise failure.__cause__ from None  # it was our reading of the body that failed
            await self.circuit.record(failure)
            raise
        if response.status in UNHEALTHY:
            refused = RefusedError(response)
            await self.circuit.record(refused)
            raise refused
        await self.circuit.record(None)
        return response


def _let_go(attempt: RetryCallState) -> None:
    failure = attempt.outcome.exception() if attempt.outcome else None
    if isinstance(failure, RefusedError):
        failure.response.release()


def open_session() -> ClientSession:
    """Return a session that passes bytes on as they are: it adds, decodes and keeps nothing."""
    return ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        timeout=ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S
        ),
    )
