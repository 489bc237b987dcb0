"""Calls to the other services: authenticated, within the request's deadline, retried if safe."""

import asyncio
import json
from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Self

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from services.kit.context import current
from services.kit.problems import Code, Problem
from services.kit.settings import PeerSettings

ATTEMPTS = 3
# A token is renewed when this share of its life is over.
RENEW_AT = 0.8
Params = Mapping[str, str | int | float]


class PeerRefused(Problem):
    """The peer answered with a 4xx: it is alive, the request was wrong; `answer` is its status."""

    def __init__(self, peer: str, answer: int, document: Any) -> None:
        reason = document.get("detail") if isinstance(document, dict) else None
        detail = f"{peer} answered {answer}" + (f": {reason}" if reason else "")
        super().__init__(Code.UPSTREAM_FAILED, detail)
        self.answer = answer


class _NotSent(Problem):
    """No connection could be made, so the peer has not seen the request: any may be sent again."""


class Peers:
    """The other services, one `Peer` each, over one pool of connections; a kit resource."""

    def __init__(self, settings: PeerSettings, *, client_id: str | None = None) -> None:
        self._timeout = settings.peer_timeout_seconds
        self._session: aiohttp.ClientSession | None = None
        token = _ServiceToken(
            self, client_id or settings.client_id, settings.client_secret.get_secret_value()
        )
        self.fabric = Peer(self, "fabric", settings.fabric_url, token)
        self.fusion = Peer(self, "fusion", settings.fusion_url, token)
        self.intelligence = Peer(self, "intelligence", settings.intelligence_url, token)
        self.tasking = Peer(self, "tasking", settings.tasking_url, token)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()

    async def jwks(self) -> Mapping[str, Any]:
        """Return fabric's public keys; what a `Verifier` fetches."""
        document = await self.fabric.get("/.well-known/jwks.json", authenticated=False)
        if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
            raise Problem(Code.UPSTREAM_FAILED, "fabric published no keys")
        return document

    def timeout(self) -> float:
        """Return how long a call may take now; raises `Problem` when no time is left."""
        context = current.get()
        if context is None:
            return self._timeout
        remaining = context.remaining()
        if remaining <= 0:
            raise Problem(Code.DEADLINE_EXCEEDED, "no time is left to ask another service")
        return min(self._timeout, remaining)

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("peers are used outside their context")
        return self._session


class Peer:
    """One service. Calls return parsed JSON, or None for an empty body.

    They raise `Problem`: unavailable when the peer cannot be reached or is not ready,
    deadline_exceeded when it takes too long, upstream_failed (`PeerRefused` for a 4xx) otherwise.
    """

    def __init__(self, peers: Peers, name: str, url: str, token: "_ServiceToken") -> None:
        self._peers = peers
        self._name = name
        self._url = url.rstrip("/")
        self._token = token

    async def get(
        self, path: str, *, params: Params | None = None, authenticated: bool = True
    ) -> Any:
        """Read; asked again when the peer fails for the moment."""
        return await self._call(
            "GET", path, params=params, authenticated=authenticated, is_idempotent=True
        )

    async def post(
        self, path: str, *, json: Any, authenticated: bool = True, is_idempotent: bool = False
    ) -> Any:
        """Write; asked again only when told that a second time does no harm, or never sent."""
        return await self._call(
            "POST", path, body=json, authenticated=authenticated, is_idempotent=is_idempotent
        )

    async def _call(
        self,
        method: str,
        path: str,
        *,
        is_idempotent: bool,
        authenticated: bool,
        params: Params | None = None,
        body: Any = None,
    ) -> Any:
        def is_worth_another(error: BaseException) -> bool:
            safe = is_idempotent or isinstance(error, _NotSent)
            return safe and isinstance(error, Problem) and error.code is Code.UNAVAILABLE

        attempts = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            retry=retry_if_exception(is_worth_another),
            reraise=True,
        )
        return await attempts(self._send, method, path, params, body, authenticated)

    async def _send(
        self, method: str, path: str, params: Params | None, body: Any, authenticated: bool
    ) -> Any:
        headers = _headers()
        token = None
        if authenticated:
            token = await self._token.current()
            headers["Authorization"] = f"Bearer {token}"
        try:
            return await self._exchange(method, path, params, body, headers)
        except PeerRefused as refusal:
            if refusal.answer == 401 and token:
                self._token.forget(token)
                headers["Authorization"] = f"Bearer {await self._token.current()}"
                return await self._exchange(method, path, params, body, headers)
            raise

    async def _exchange(
        self, method: str, path: str, params: Params | None, body: Any, headers: dict[str, str]
    ) -> Any:
        timeout = self._peers.timeout()
        headers["X-Request-Timeout-Ms"] = str(max(1, int(timeout * 1000)))
        try:
            async with self._peers.session.request(
                method,
                self._url + path,
                params=params,
                json=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                return self._outcome(response.status, await response.read())
        except TimeoutError as error:
            detail = f"{self._name} did not answer within {timeout:.1f} s"
            raise Problem(Code.DEADLINE_EXCEEDED, detail) from error
        except aiohttp.ClientConnectorError as error:
            raise _NotSent(Code.UNAVAILABLE, f"{self._name} cannot be reached") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Problem(Code.UNAVAILABLE, f"{self._name} broke off the connection") from error

    def _outcome(self, status: int, content: bytes) -> Any:
        try:
            document = json.loads(content) if content else None
        except ValueError as error:
            if status < 300:
                detail = f"{self._name} answered with something that is not JSON"
                raise Problem(Code.UPSTREAM_FAILED, detail) from error
            document = None
        if status < 300:
            return document
        if status in (429, 503):
            raise Problem(Code.UNAVAILABLE, f"{self._name} is not available")
        if status == 504:
            raise Problem(Code.DEADLINE_EXCEEDED, f"{self._name} was not done in time")
        if 400 <= status < 500:
            raise PeerRefused(self._name, status, document)
        raise Problem(Code.UPSTREAM_FAILED, f"{self._name} answered {status}")


class _ServiceToken:
    """This service's own token, got with its client credentials and renewed before it expires."""

    def __init__(self, peers: Peers, client_id: str, secret: str) -> None:
        self._peers = peers
        self._client_id = client_id
        self._secret = secret
        self._token = ""
        self._renew_at = 0.0
        self._renewing = asyncio.Lock()

    async def current(self) -> str:
        if not self._is_fresh():
            async with self._renewing:
                if not self._is_fresh():
                    await self._renew()
        return self._token

    def forget(self, token: str) -> None:
        """Do not use `token` again: it was refused."""
        if token == self._token:
            self._renew_at = 0.0

    def _is_fresh(self) -> bool:
        return monotonic() < self._renew_at

    async def _renew(self) -> None:
        asked_at = monotonic()
        answer = await self._peers.fabric.post(
            "/v1/tokens",
            json={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._secret,
            },
            authenticated=False,
            # Another token costs nothing.
            is_idempotent=True,
        )
        try:
            self._token = str(answer["access_token"])
            self._renew_at = asked_at + RENEW_AT * float(answer["expires_in"])
        except (KeyError, TypeError, ValueError) as error:
            raise Problem(Code.UPSTREAM_FAILED, "fabric gave no token") from error


def _headers() -> dict[str, str]:
    context = current.get()
    if context is None:
        return {}
    return {"X-Request-ID": context.request_id, "traceparent": context.traceparent()}
