"""Ends an exchange whose client has gone."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

from services.api_gateway.upload import Upload
from services.api_gateway.upstream import ClientGoneError

GRACE_S = 0.1


class Watch:
    """A context manager around an exchange: out of it comes `ClientGoneError` once that is so.

    ASGI tells of a closed connection only to whoever listens. Nearly every exchange is over within
    the grace, so until then there is one timer and no task.
    """

    def __init__(self, receive: Receive, upload: Upload) -> None:
        self._receive = receive
        self._upload = upload
        self._listener: asyncio.Task[None] | None = None
        self._is_gone = False

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._exchange = asyncio.current_task()
        self._timer = self._loop.call_later(GRACE_S, self._look)
        return self

    def _look(self) -> None:
        if self._upload.is_complete:
            self._listener = self._loop.create_task(self._listen())
        else:  # whoever reads the body will be told
            self._timer = self._loop.call_later(GRACE_S, self._look)

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass  # the empty end of a request that had no body
        self._is_gone = True
        if self._exchange is not None:
            self._exchange.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        if self._is_gone and self._exchange is not None:
            is_cancelled_by_others = self._exchange.uncancel() > 0
            if kind is asyncio.CancelledError and not is_cancelled_by_others:
                raise ClientGoneError from None
