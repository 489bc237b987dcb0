"""What a module serves: application objects and routes of the usual web frameworks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from pipelines.audit.model.python.facts import Route
from pipelines.audit.model.python.values import dotted, text
from pipelines.audit.place import Place

Known = Mapping[str, ast.expr]

_FRAMEWORKS = {
    "FastAPI": "FastAPI", "Flask": "Flask", "Starlette": "Starlette", "Quart": "Quart",
    "Sanic": "Sanic", "Litestar": "Litestar", "Bottle": "Bottle", "falcon.App": "Falcon",
    "falcon.asgi.App": "Falcon", "web.Application": "aiohttp", "APIFlask": "Flask",
    "get_wsgi_application": "Django", "get_asgi_application": "Django", "NinjaAPI": "Django",
    "Robyn": "Robyn", "BlackSheep": "BlackSheep", "Chalice": "Chalice",
}  # fmt: skip
_VERBS = {
    "get", "post", "put", "delete", "patch", "head", "options", "websocket", "route", "api_route",
    "websocket_route",
}  # fmt: skip
_ADDERS = {
    "add_api_route": 0, "add_route": 0, "add_url_rule": 0, "add_api_websocket_route": 0,
    "add_websocket_route": 0, "mount": 0, "add_get": 0, "add_post": 0, "add_resource": 1,
    "Route": 0, "Mount": 0, "WebSocketRoute": 0, "APIRoute": 0, "path": 0, "re_path": 0, "url": 0,
}  # fmt: skip
_OF_DJANGO = ("path", "re_path", "url")
# What a text holds that adds a route in one of these ways: a cheap look before it is parsed.
_ADDING = re.compile(
    rf"@[^\n#]{{1,200}}\.(?:{'|'.join(sorted(_VERBS))})\s*\(|\b(?:{'|'.join(sorted(_ADDERS))})\s*\("
)


def may_serve(text: str) -> bool:
    """Whether a module with this text may have a route."""
    return bool(_ADDING.search(text))


def framework(name: str) -> str:
    """The framework whose application a call of that dotted name makes; "" for none."""
    for known, found in _FRAMEWORKS.items():
        if name == known or name.endswith(f".{known}"):
            return found
    return ""


def prefix(call: ast.Call, known: Known) -> str:
    """The path before all routes of a router or blueprint."""
    for keyword in call.keywords:
        if keyword.arg in ("prefix", "url_prefix"):
            return text(keyword.value, known) or ""
    return ""


def decorated(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    file: str,
    known: Known,
    prefixes: Mapping[str, str],
) -> Iterator[Route]:
    """The routes that a function's decorators make."""
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        verb = decorator.func.attr
        path = _path(decorator, 0, known)
        if verb in _VERBS and path is not None:
            before = prefixes.get(dotted(decorator.func.value), "")
            place = Place(file, decorator.lineno)
            for method in _methods(decorator, verb):
                yield Route(method, before + path, place, node.name)


def added(
    node: ast.Call, name: str, file: str, known: Known, prefixes: Mapping[str, str]
) -> Iterator[Route]:
    """The routes that a call adds: `app.mount("/metrics", ...)`, `Route("/", ...)`, `path(...)`."""
    owner, _, last = name.rpartition(".")
    if last not in _ADDERS or (last in _OF_DJANGO and owner not in ("", "urls")):
        return
    path = _path(node, _ADDERS[last], known)
    if path is None or (not path.startswith(("/", "{}")) and last not in _OF_DJANGO):
        return
    if last in _OF_DJANGO:
        path = "/" + path.lstrip("^/").rstrip("$")
    place = Place(file, node.lineno)
    handler = dotted(node.args[1]).rpartition(".")[2] if len(node.args) > 1 else ""
    for method in _methods(node, last):
        yield Route(method, prefixes.get(owner, "") + path, place, handler)


def _path(call: ast.Call, index: int, known: Known) -> str | None:
    if len(call.args) > index:
        return text(call.args[index], known)
    for keyword in call.keywords:
        if keyword.arg in ("path", "rule"):
            return text(keyword.value, known)
    return None


def _methods(call: ast.Call, verb: str) -> list[str]:
    if verb.lower() == "mount":
        return ["MOUNT"]
    if "websocket" in verb.lower():
        return ["WEBSOCKET"]
    for keyword in call.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple | ast.Set):
            texts = [it.value for it in keyword.value.elts if isinstance(it, ast.Constant)]
            return [str(it).upper() for it in texts] or ["ANY"]
    if verb.startswith("add_") and verb[4:] in _VERBS:
        return ["ANY"] if verb.endswith("route") else [verb[4:].upper()]
    return [verb.upper()] if verb in _VERBS and not verb.endswith("route") else ["ANY"]
