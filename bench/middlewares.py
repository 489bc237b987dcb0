"""The bare application under a stack of middlewares: what the kit does, as libraries do it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from prometheus_fastapi_instrumentator import Instrumentator
from secure import Secure

from bench.apps import bare

CallNext = Callable[[Request], Awaitable[Response]]


def with_middlewares() -> FastAPI:
    """Return the application of `bench.apps` with its layers on."""
    app = bare()
    log = logging.getLogger("access")
    secure = Secure.with_default_headers()

    @app.middleware("http")
    async def limit_bodies(request: Request, call_next: CallNext) -> Response:
        if int(request.headers.get("content-length", 0)) > 1024 * 1024:
            return Response(status_code=413)
        return await call_next(request)

    @app.middleware("http")
    async def set_secure_headers(request: Request, call_next: CallNext) -> Response:
        response = await call_next(request)
        await secure.set_headers_async(response)
        return response

    @app.middleware("http")
    async def log_access(request: Request, call_next: CallNext) -> Response:
        started = time.perf_counter()
        response = await call_next(request)
        seconds = time.perf_counter() - started
        log.debug(
            json.dumps({"path": request.url.path, "status": response.status_code, "s": seconds})
        )
        return response

    app.add_middleware(CorrelationIdMiddleware)
    app.add_middleware(CORSMiddleware, allow_origins=["https://console.example"])
    Instrumentator().instrument(app).expose(app)
    return app
