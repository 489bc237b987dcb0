"""Whether the system as a whole can serve: every service's own readiness, asked at once."""

import asyncio
from collections.abc import Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout
from starlette.responses import JSONResponse, Response

from services.api_gateway.remembered import Remembered

KEPT_S = 1.0
PATIENCE = ClientTimeout(total=2.0)

Health = dict[str, str]
READY = "ready"


class SystemHealth:
    """Asks `/readyz` of each service; an answer is good for a second."""

    def __init__(self, urls: Mapping[str, str], *, session: ClientSession) -> None:
        self._urls = urls
        self._session = session
        self._last = Remembered(self._ask_all)

    async def response(self) -> Response:
        """Answer 200 when all are ready, else 503; either names each service's state."""
        services = await self._last.get()
        is_well = all(state == READY for state in services.values())
        document = {"status": "ok" if is_well else "degraded", "services": services}
        headers = None if is_well else {"Retry-After": "1"}
        return JSONResponse(document, 200 if is_well else 503, headers)

    async def _ask_all(self) -> tuple[Health, float]:
        states = await asyncio.gather(*(self._ask(url) for url in self._urls.values()))
        return dict(zip(self._urls, states, strict=True)), KEPT_S

    async def _ask(self, url: str) -> str:
        try:
            async with self._session.get(f"{url}/readyz", timeout=PATIENCE) as response:
                return READY if response.status == 200 else f"answers {response.status}"
        except TimeoutError:
            return f"does not answer within {PATIENCE.total:g} s"
        except ClientError:
            return "cannot be reached"
