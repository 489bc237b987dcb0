"""Passes a request to its service and the answer back, neither ever held as a whole."""

import asyncio
from collections.abc import Mapping

from aiohttp import ClientError, ClientResponse
from starlette.types import Receive, Scope, Send

from services.api_gateway import headers
from services.api_gateway.routes import Route
from services.api_gateway.upload import Upload
from services.api_gateway.upstream import ClientGoneError, Forwarded, Upstream
from services.api_gateway.watch import Watch
from services.kit.context import RequestContext
from services.kit.problems import Code, Problem

# An answer that is known to be this short goes out in one piece.
SMALL_BYTES = 64 * 1024


class BrokenOffError(Exception):
    """An upstream broke off in the middle of its answer; the client must not take it for whole."""


class Proxy:
    """Forwards to the upstreams by name.

    A service that stays silent for `fair_seconds` or longer counts as failing. For less it does
    not: a client in too much of a hurry must not make it look broken to the others.
    """

    def __init__(self, upstreams: Mapping[str, Upstream], *, fair_seconds: float) -> None:
        self._upstreams = upstreams
        self._fair_seconds = fair_seconds

    async def forward(
        self,
        route: Route,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        context: RequestContext,
        more: headers.Headers,
    ) -> None:
        """Forward one request, and put the headers `more` on its answer.

        The kit ends it when the deadline has passed and the answer has not begun.

        Raises:
            Problem: nothing was sent to the client yet: `unavailable`, `upstream_failed`.
            BrokenOffError: the answer had begun already.
        """
        upstream = self._upstreams[route.upstream]
        upload = Upload(scope, receive)
        allowed = context.remaining()
        try:
            with Watch(receive, upload):
                request = Forwarded(
                    scope["method"],
                    _target(scope),
                    headers.for_upstream(scope, context),
                    await upload.body(),
                    context.deadline,
                )
                response = await upstream.send(request)
                await _pass_on(response, scope["method"], send, more, upstream.name)
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            if context.remaining() <= 0 and allowed >= self._fair_seconds:
                await upstream.circuit.record(TimeoutError())
            raise


def _target(scope: Scope) -> str:
    target = scope["raw_path"]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    if not target.isascii():
        raise Problem(Code.NOT_FOUND, "a path and a query are ASCII; encode anything else")
    return str(target, "ascii")


async def _pass_on(
    response: ClientResponse, method: str, send: Send, more: headers.Headers, name: str
) -> None:
    try:
        length = response.content_length
        if method == "HEAD" or (length is not None and length <= SMALL_BYTES):
            await _pass_on_at_once(response, send, more, name)
        else:
            await _pass_on_in_pieces(response, send, more, name)
    finally:
        response.release()


async def _pass_on_at_once(
    response: ClientResponse, send: Send, more: headers.Headers, name: str
) -> None:
    try:
        body = await response.read()
    except ClientError as failure:
        raise Problem(Code.UPSTREAM_FAILED, f"{name} broke off its answer") from failure
    await send(_start(response, more))
    await send({"type": "http.response.body", "body": body})


async def _pass_on_in_pieces(
    response: ClientResponse, send: Send, more: headers.Headers, name: str
) -> None:
    await send(_start(response, more))
    try:
        async for piece in response.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except ClientError as failure:
        raise BrokenOffError(f"{name} broke off its answer") from failure
    await send({"type": "http.response.body"})


def _start(response: ClientResponse, more: headers.Headers) -> dict[str, object]:
    return {
        "type": "http.response.start",
        "status": response.status,
        "headers": headers.for_client(response.raw_headers) + more,
    }
