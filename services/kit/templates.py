"""The full template of the route that a request was answered by, such as `/v1/nodes/{node_id}`."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount
from starlette.types import Scope

UNMATCHED = "unmatched"


class Templates:
    """The templates of an application's routes, those of applications mounted on it included."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        # By the identity of endpoints and of mounted applications; filled when first needed, since
        # routes may be added until then.
        self._known: dict[int, str] | None = None

    def of(self, scope: Scope) -> str:
        """Return the template for a scope that has been through FastAPI's router.

        `scope["route"]` is the route as its own router knows it, without the prefixes that router
        was included under; FastAPI 0.165 keeps the whole beside it, in the effective context.
        """
        route: Any = scope.get("route")
        if route is None:
            return self._plain(scope)
        context: Any = scope.get("fastapi", {}).get("effective_route_context")
        if context is not None and context.original_route is route:
            route = context
        if scope.get("app") is self._app:
            return str(route.path_format)
        return self._find(scope.get("app")) + str(route.path_format)

    def methods(self, template: str) -> list[str]:
        """Return every method of a template, in order; each route knows only its own."""
        found: set[str] = set()
        for path, _, methods in _walk(self._app.routes):
            if path == template:
                found |= methods
        return sorted(found)

    def _plain(self, scope: Scope) -> str:
        """Return the template for a route that is not FastAPI's: a Starlette one, or a mount."""
        endpoint = scope.get("endpoint")
        return self._find(endpoint) or UNMATCHED if endpoint is not None else UNMATCHED

    def _find(self, target: object) -> str:
        if self._known is None:
            self._known = {id(target): path for path, target, _ in _walk(self._app.routes)}
        return self._known.get(id(target), "")


def _walk(
    routes: Sequence[BaseRoute | RouteContext], prefix: str = ""
) -> Iterator[tuple[str, object, set[str]]]:
    """Yield template, endpoint or mounted application, and methods of every route."""
    for route in iter_route_contexts(routes):
        original: Any = route.route
        if isinstance(original, Mount):
            path = prefix + str(route.path_format).removesuffix("/{path}")
            yield path, original.app, set()
            yield from _walk(original.routes, path)
        elif route.path_format:
            yield prefix + route.path_format, route.endpoint, set(route.methods or ())
