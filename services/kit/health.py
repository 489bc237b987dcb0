"""What a service says of itself: alive, ready, and its numbers."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from starlette.responses import Response

from services.kit.problems import Problem

Check = Callable[[], Awaitable[None]]


class Health:
    """The answers of `/health`, `/livez`, `/readyz` and `/metrics`."""

    def __init__(
        self,
        name: str,
        version: str,
        *,
        checks: Mapping[str, Check],
        timeout: float,
        registry: CollectorRegistry,
    ) -> None:
        self.is_started = False
        self.is_stopping = False
        self._checks = checks
        self._timeout = timeout
        self._registry = registry
        self._about = {"name": name, "version": version}
        self._asking: asyncio.Task[dict[str, dict[str, str]]] | None = None
        self.routes: dict[str, Callable[[], Awaitable[Response]]] = {
            "/health": self._health,
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
        }

    async def _health(self) -> Response:
        return _json(200, {**self._about, "status": self._status()})

    async def _livez(self) -> Response:
        return _json(200, {"status": "ok"})

    async def _metrics(self) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    async def _readyz(self) -> Response:
        """Say whether requests are welcome, and if not, what is missing."""
        if self._status() != "ok":
            return _json(503, {"status": self._status(), "checks": {}})
        # However many ask at the same time, what is checked is asked once.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        checks = await asyncio.shield(self._asking)
        is_ready = all(check["status"] == "ok" for check in checks.values())
        status = "ok" if is_ready else "failed"
        return _json(200 if is_ready else 503, {"status": status, "checks": checks})

    def _status(self) -> str:
        if self.is_stopping:
            return "stopping"
        return "ok" if self.is_started else "starting"

    async def _ask_all(self) -> dict[str, dict[str, str]]:
        answers = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        return dict(zip(self._checks, answers, strict=True))

    async def _ask(self, check: Check) -> dict[str, str]:
        try:
            async with asyncio.timeout(self._timeout):
                await check()
        except TimeoutError:
            return {"status": "failed", "detail": f"no answer within {self._timeout:g} s"}
        except Problem as problem:
            return {"status": "failed", "detail": problem.detail}
        except Exception as error:  # whatever it is, it is why we are not ready
            return {"status": "failed", "detail": type(error).__name__}
        return {"status": "ok"}


def _json(status: int, document: object) -> Response:
    headers = {"Retry-After": "1"} if status == 503 else None
    return Response(json.dumps(document), status, headers, "application/json")
