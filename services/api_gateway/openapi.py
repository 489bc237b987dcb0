"""One OpenAPI document for all that the public may call, put together from the services' own."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout

from services.api_gateway.remembered import Remembered
from services.api_gateway.routes import find

KEPT_S = 60.0
KEPT_INCOMPLETE_S = 2.0
PATIENCE = ClientTimeout(total=5.0)
REFERENCE = "#/components/"
SHARED_COMPONENTS = "securitySchemes"  # the same in every service, and named by bare words

Document = dict[str, Any]

OWN_PATHS: Document = {
    "/v1/events": {
        "get": {
            "operationId": "api-gateway.events",
            "summary": "Incidents, risks and missions as they happen",
            "description": "Server-sent events. The id of the last one, sent as `Last-Event-ID`, "
            "goes on where it ended.",
            "parameters": [
                {
                    "name": "topics",
                    "in": "query",
                    "description": "Comma-separated: incident, risk, mission. All by default.",
                    "schema": {"type": "string"},
                },
                {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}},
            ],
            "responses": {
                "200": {"description": "The stream", "content": {"text/event-stream": {}}}
            },
        }
    }
}


class OpenApi:
    """Fetches and merges; a service that does not answer is left out, and named."""

    def __init__(self, urls: Mapping[str, str], *, session: ClientSession) -> None:
        self._urls = urls
        self._session = session
        self._document = Remembered(self._build)

    async def get(self) -> bytes:
        """Return the document as JSON."""
        return await self._document.get()

    async def _build(self) -> tuple[bytes, float]:
        answers = await asyncio.gather(*(self._fetch(url) for url in self._urls.values()))
        fetched = dict(zip(self._urls, answers, strict=True))
        document = merge({name: found for name, found in fetched.items() if found is not None})
        missing = [name for name, found in fetched.items() if found is None]
        if missing:
            document["x-unavailable"] = missing
        return orjson.dumps(document), KEPT_INCOMPLETE_S if missing else KEPT_S

    async def _fetch(self, url: str) -> Document | None:
        try:
            async with self._session.get(f"{url}/openapi.json", timeout=PATIENCE) as response:
                found = orjson.loads(await response.read()) if response.status == 200 else None
        except (ClientError, TimeoutError, orjson.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None


def merge(documents: Mapping[str, Document]) -> Document:
    """Return our own document with the public paths of each service's, and its components.

    Components are renamed from `Node` to `fabric.Node`, for two services may use one name.
    """
    paths = dict(OWN_PATHS)
    components: dict[str, Document] = {}
    for service, document in documents.items():
        renamed = _renamed(document, service)
        for path, operations in renamed.get("paths", {}).items():
            if public := _public(path, operations, service):
                paths[path] = public
        for kind, named in renamed.get("components", {}).items():
            prefix = "" if kind == SHARED_COMPONENTS else f"{service}."
            components.setdefault(kind, {}).update(
                {prefix + name: component for name, component in named.items()}
            )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Summit", "version": "1"},
        "paths": dict(sorted(paths.items())),
        "components": components,
    }


def _public(path: str, operations: Document, service: str) -> Document:
    route = find(path)
    if route is None or route.upstream != service:
        return {}
    return {
        method: operation | {"operationId": f"{service}.{operation.get('operationId', method)}"}
        for method, operation in operations.items()
        if method.upper() in route.access
    }


def _renamed(node: Any, service: str) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value, service) for key, value in node.items()}
    if isinstance(node, list):
        return [_renamed(value, service) for value in node]
    if isinstance(node, str) and node.startswith(REFERENCE):
        kind, _, name = node.removeprefix(REFERENCE).partition("/")
        return node if kind == SHARED_COMPONENTS else f"{REFERENCE}{kind}/{service}.{name}"
    return node
