"""The one public door of the bike share."""

import time

import httpx
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slowapi import Limiter
from slowapi.middleware import SlowAPIMiddleware
from slowapi.util import get_remote_address

from app.metrics import ERRORS, REQUESTS, SECONDS
from app.settings import CORS_ORIGINS, RIDES_URL

log = structlog.get_logger()
app = FastAPI(title="gateway")
app.state.limiter = Limiter(key_func=get_remote_address, default_limits=["60/minute"])
app.add_middleware(SlowAPIMiddleware)
app.add_middleware(
    CORSMiddleware,
    allow_origins=CORS_ORIGINS,
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)


@app.middleware("http")
async def measure(request: Request, call_next):
    began = time.perf_counter()
    response = await call_next(request)
    route = request.url.path
    REQUESTS.labels(route, response.status_code).inc()
    SECONDS.labels(route).observe(time.perf_counter() - began)
    if response.status_code >= 500:
        ERRORS.labels(route).inc()
        log.error("request failed", route=route, status=response.status_code)
    return response


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/ready")
async def ready() -> dict[str, str]:
    async with httpx.AsyncClient(timeout=2.0) as client:
        (await client.get(f"{RIDES_URL}/health")).raise_for_status()
    return {"status": "ok"}


@app.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.get("/rides")
async def rides() -> list[dict[str, str]]:
    async with httpx.AsyncClient(timeout=5.0) as client:
        answer = await client.get(f"{RIDES_URL}/rides")
    answer.raise_for_status()
    return answer.json()
