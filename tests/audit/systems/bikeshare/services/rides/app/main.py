"""Rides: who has which bike."""

import jwt
import structlog
from fastapi import FastAPI, Header, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import DATABASE_URL, JWT_SECRET, REDIS_URL

log = structlog.get_logger()
engine = create_async_engine(DATABASE_URL, connect_args={"timeout": 5})
cache = Redis.from_url(REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
STARTED = Counter("rides_started_total", "Rides that were started")
app = FastAPI(title="rides")


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/ready")
async def ready() -> dict[str, str]:
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))
    await cache.ping()
    return {"status": "ok"}


@app.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.get("/rides")
async def rides() -> list[dict[str, str]]:
    async with engine.connect() as connection:
        found = await connection.execute(text("select id, bike from rides"))
    return [dict(row._mapping) for row in found]


@app.post("/rides/{bike}")
async def start(bike: str, authorization: str = Header()) -> dict[str, str]:
    claims = jwt.decode(authorization.removeprefix("Bearer "), JWT_SECRET, algorithms=["HS256"])
    async with engine.begin() as connection:
        await connection.execute(
            text("insert into rides (rider, bike) values (:rider, :bike)"),
            {"rider": claims["sub"], "bike": bike},
        )
    STARTED.inc()
    log.info("ride started", bike=bike)
    return {"bike": bike}
