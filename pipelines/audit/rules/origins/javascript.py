"""Origins in JavaScript: express and its `cors`, fastify, Nest, Socket.IO, headers set by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.model import Model
from pipelines.audit.model.javascript import Call, JavaScript, Kind, Module, Value
from pipelines.audit.place import Place
from pipelines.audit.rules.origins import Access, Wild

_WORDS = ("cors", "access-control-allow-origin")
_HEADER = "access-control-allow-origin"
_HEADERS = {"setHeader", "header", "set", "append"}
# Packages that answer every origin when they are given no options.
_PACKAGES = {"cors", "@koa/cors", "koa2-cors", "hono/cors", "@elysiajs/cors"}
_REGISTERED = {"@fastify/cors", "fastify-cors"}
_ACCEPTS_ALL = re.compile(r"\(\s*null\s*,\s*(?:true|origin)\s*\)")
_ASKS = re.compile(r"\bif\b|\?|\bincludes\b|indexOf|\bhas\(|\.test\(|match")


def accesses(model: Model) -> Iterator[Access]:
    """Every place in deployed files that lets other origins in."""
    for module in model.javascript.holding(*_WORDS):
        for call in module.calls:
            yield from _of_call(model.javascript, module, call)


def _of_call(javascript: JavaScript, module: Module, call: Call) -> Iterator[Access]:
    first, rest = (call.arguments[0] if call.arguments else None), call.arguments[1:]
    package = _package(module, call.callee)
    if package in _PACKAGES:
        yield from _options(javascript, call.place, package, first, is_open=True)
    elif call.name == "register" and first is not None and _registered(module, first):
        # Without options @fastify/cors allows every origin.
        yield from _options(javascript, call.place, "@fastify/cors", _at(rest, 0), is_open=True)
    elif call.name == "enableCors":
        yield from _options(javascript, call.place, "enableCors", first, is_open=True)
    elif call.name == "create" and call.owner.endswith("NestFactory"):
        yield from _field(javascript, call, "NestFactory")
    elif _is_socket(module, call):
        yield from _field(javascript, call, "Socket.IO")
    elif call.name in _HEADERS and _is_header(call):
        yield Access(call.place, "a header", Wild(call.place), is_narrow=True)


def _is_socket(module: Module, call: Call) -> bool:
    """Whether it makes a Socket.IO server: `new Server(...)`, or what `require` gave, called."""
    root = call.callee.partition(".")[0]
    made = "socket.io" in (call.callee, module.origin(root)[0])
    return made and call.name in ("Server", root, "io")


def _is_header(call: Call) -> bool:
    first, second = _at(call.arguments, 0), _at(call.arguments, 1)
    is_header = first is not None and first.text.lower() == _HEADER
    return is_header and second is not None and second.text == "*"


def _at(values: tuple[Value, ...], index: int) -> Value | None:
    return values[index] if len(values) > index else None


def _package(module: Module, callee: str) -> str:
    """The package that a function comes from: imported, or `require("cors")()` on the spot."""
    return module.origin(callee)[0] or callee


def _registered(module: Module, value: Value) -> bool:
    name = value.text
    return name in _REGISTERED or module.origin(name)[0] in _REGISTERED


def _field(javascript: JavaScript, call: Call, what: str) -> Iterator[Access]:
    """`{ cors: ... }` of the last argument; where there is no such field nothing is opened."""
    if not call.arguments:
        return
    options = call.arguments[-1]
    options = javascript.resolved(options, call.place.file)
    given = options.fields.get("cors")
    if given is not None and given.is_true:
        yield Access(given.place, what, Wild(given.place))
    elif given is not None:
        yield from _options(javascript, given.place, what, given, is_open=False)


def _options(
    javascript: JavaScript, place: Place, what: str, options: Value | None, *, is_open: bool
) -> Iterator[Access]:
    """What `{ origin, credentials }` says; no origin is every origin where `is_open`."""
    if options is None:
        if is_open:
            yield Access(place, what, Wild(place))
        return
    options = javascript.resolved(options, options.place.file)
    if options.kind is not Kind.OBJECT:
        return
    credentials = options.fields.get("credentials")
    has_credentials = credentials is not None and credentials.is_true
    origin = options.fields.get("origin")
    if origin is None:
        if is_open and not options.items:  # nothing is spread into it that could say
            yield Access(place, what, Wild(place), has_credentials=has_credentials)
        return
    yield _access(javascript, origin, what, has_credentials)


def _access(javascript: JavaScript, origin: Value, what: str, has_credentials: bool) -> Access:
    wild: Wild | None = None
    variables: list[str] = []
    for value in _outcomes(javascript, origin):
        if value.kind is Kind.VARIABLE:
            variables.append(value.text)
        elif wild is None and _is_wild(value):
            wild = Wild(value.place, variables[0] if variables else "")
    return Access(origin.place, what, wild, frozenset(variables), has_credentials)


def _outcomes(javascript: JavaScript, value: Value, depth: int = 6) -> Iterator[Value]:
    value = javascript.resolved(value, value.place.file)
    if depth == 0:
        return
    if value.kind in (Kind.CHOICE, Kind.LIST):
        for item in value.items:
            yield from _outcomes(javascript, item, depth - 1)
    else:
        yield value


def _is_wild(value: Value) -> bool:
    if value.kind is Kind.FUNCTION:
        return bool(_ACCEPTS_ALL.search(value.text)) and not _ASKS.search(value.text)
    if value.kind is Kind.TEXT:
        return "*" in (it.strip() for it in value.text.split(","))
    # `true` hands the caller's own origin back; a pattern may match everything.
    return value.is_true or value.text in ("/.*/", "/^.*$/", "/.+/")
