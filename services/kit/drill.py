"""Faults on demand, to see whether they are noticed. Refused in production.

The file is JSON, `{"error_ratio": 0.05, "delay_seconds": 1}`; without it there is no fault.
"""

import asyncio
import json
import random
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.problems import Code, Problem


class Drill:
    """Stands before the application and, as the file says, delays requests and fails some."""

    def __init__(self, app: ASGIApp, file: Path) -> None:
        self._app = app
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = json.loads(self._file.read_text()) if self._file.exists() else {}
        await asyncio.sleep(faults.get("delay_seconds", 0))
        if random.random() < faults.get("error_ratio", 0):  # noqa: S311 - nothing to guess
            raise Problem(Code.INTERNAL, "a drill")
        await self._app(scope, receive, send)
