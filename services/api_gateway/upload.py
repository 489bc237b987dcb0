"""The body of a request, passed on as it arrives."""

from collections.abc import AsyncIterator

from starlette.types import Receive, Scope

from services.api_gateway.upstream import ClientGoneError


class Upload:
    """Reads the body of one request; `is_complete` once there is nothing more to come."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self.is_complete = not any(
            (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
            for name, value in scope["headers"]
        )

    async def body(self) -> bytes | AsyncIterator[bytes] | None:
        """Return all of a small body, the pieces of a longer one, or `None` without a body.

        Raises:
            ClientGoneError: the client left before the end.
        """
        if self.is_complete:
            return None
        first, has_more = await self._next()
        return self._pieces(first) if has_more else first

    async def _pieces(self, piece: bytes) -> AsyncIterator[bytes]:
        yield piece
        has_more = True
        while has_more:
            piece, has_more = await self._next()
            yield piece

    async def _next(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        has_more: bool = message.get("more_body", False)
        self.is_complete = not has_more
        return message.get("body", b""), has_more
