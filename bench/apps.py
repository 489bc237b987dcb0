"""The applications that are measured against one another; each is served in its own process."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel

from services.api_gateway import app as api_gateway
from services.api_gateway.settings import Settings
from services.kit.asgi import Kit
from services.kit.settings import ServiceSettings
from services.kit.tokens import Role, Verifier, require


class Node(BaseModel):
    """What a small route answers."""

    id: int
    name: str
    status: str
    capabilities: list[str]


router = APIRouter()


@router.get("/v1/nodes/{node_id}")
async def node(node_id: int) -> Node:
    return Node(id=node_id, name="tower-7", status="ACTIVE", capabilities=["smoke"])


def bare() -> FastAPI:
    """FastAPI and nothing else."""
    app = FastAPI()
    app.include_router(router)
    return app


def with_kit() -> Kit:
    """The same with all that a service of ours has on."""
    return Kit(bare(), name="bench", settings=ServiceSettings())


def upstream() -> Kit:
    """A service behind the gateway, which verifies tokens by the keys in BENCH_KEYS."""
    keys = json.loads(os.environ["BENCH_KEYS"])

    async def published() -> Mapping[str, Any]:
        return keys

    app = FastAPI()
    app.state.verifier = Verifier(published)
    app.include_router(router, dependencies=[Depends(require(Role.VIEWER))])
    app.get("/.well-known/jwks.json")(published)
    return Kit(app, name="bench", settings=ServiceSettings())


def gateway() -> Kit:
    """The gateway as it is; its settings come from the environment."""
    # There are no feeds here to be read, and it would say so again and again.
    logging.getLogger("services.api_gateway.feed").setLevel(logging.ERROR)
    return api_gateway.create_app(Settings())


def httpx_gateway() -> FastAPI:
    """A gateway as one writes it with FastAPI and httpx; it judges nobody."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=os.environ["FABRIC_URL"]) as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=lifespan)

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def forward(path: str, request: Request) -> Response:
        answer = await request.app.state.client.request(
            request.method,
            f"/{path}",
            params=request.query_params,
            headers=[(name, value) for name, value in request.headers.items() if name != "host"],
            content=await request.body(),
        )
        return Response(answer.content, answer.status_code, dict(answer.headers))

    return app
