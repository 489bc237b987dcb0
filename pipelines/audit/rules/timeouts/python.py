"""Clients in Python that wait for ever, or for longer than anybody would."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python.expressions import Source, dotted, keyword
from pipelines.audit.model.python.trees import every
from pipelines.audit.place import Place
from pipelines.audit.rules.timeouts import shipped

_WORDS = ("requests", "httpx", "aiohttp", "urlopen", "smtplib", "psycopg", "redis", "grpc")
_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")


class _Client(NamedTuple):
    """`timeouts` are the arguments that give one; `positional` is where it may stand too."""

    name: str
    timeouts: tuple[str, ...]
    positional: int
    message: str
    severity: Severity


_FOREVER = "waits for ever: it has no timeout"
_LONG = "waits as long as the network does: it has no timeout of its own"
_CLIENTS = (
    *(_Client(f"requests.{it}", ("timeout",), 99, _FOREVER, Severity.MEDIUM) for it in _VERBS),
    _Client("urllib.request.urlopen", ("timeout",), 2, _FOREVER, Severity.MEDIUM),
    _Client("smtplib.SMTP", ("timeout",), 3, _FOREVER, Severity.MEDIUM),
    _Client("smtplib.SMTP_SSL", ("timeout",), 5, _FOREVER, Severity.MEDIUM),
    _Client("psycopg.connect", ("connect_timeout",), 99, _LONG, Severity.LOW),
    _Client("psycopg2.connect", ("connect_timeout",), 99, _LONG, Severity.LOW),
    *(
        _Client(f"{module}.{made}", ("socket_timeout",), 99, _LONG, Severity.LOW)
        for module in ("redis", "redis.asyncio", "aioredis")
        for made in ("Redis", "StrictRedis", "from_url", "Redis.from_url")
    ),
    _Client(
        "aiohttp.ClientSession",
        ("timeout",),
        99,
        "waits for five minutes, which is aiohttp's own timeout",
        Severity.LOW,
    ),
)
_BY_NAME = {it.name: it for it in _CLIENTS}
_NONE_IS_FOREVER = tuple(f"httpx.{it}" for it in (*_VERBS, "Client", "AsyncClient", "stream"))
_SESSIONS = ("requests.Session", "requests.session")
_REMEDY = "give it a timeout"


def faults(model: Model) -> Iterator[Fault]:
    is_shipped = shipped(model)
    for file in model.words.holding(*_WORDS, suffixes=(".py",)):
        if is_shipped(file):
            yield from _in_file(model, file)


def _in_file(model: Model, file: str) -> tuple[Fault, ...]:
    def read() -> tuple[Fault, ...]:
        source = model.python.source(file)
        return tuple(in_module(source, file)) if source is not None else ()

    return model.tracked.once("timeouts", file, read)


def in_module(source: Source, file: str) -> Iterator[Fault]:
    """The calls of one module."""
    sessions = _sessions(source)
    stubs = _stubs(source)
    for call in source.calls:
        message, severity = _message(source, call, sessions, stubs)
        if message:
            yield Fault(Place(file, call.lineno), message, _REMEDY, severity=severity)


def _message(
    source: Source, call: ast.Call, sessions: frozenset[str], stubs: frozenset[str]
) -> tuple[str, Severity]:
    if any(it.arg is None for it in call.keywords):  # **options may hold it
        return "", Severity.NOTE
    is_imported = dotted(call.func).partition(".")[0] in source.imported
    name = source.called(call) if is_imported else ""
    client = _BY_NAME.get(name)
    if client is not None:
        is_given = keyword(call, *client.timeouts) or len(call.args) > client.positional
        is_endless = not is_given or _is_none(call, *client.timeouts)
        if is_endless and not _elsewhere(source, call, client):
            return f"{name} {client.message}", client.severity
    elif name in _NONE_IS_FOREVER and _is_none(call, "timeout"):
        return f"{name} waits for ever (timeout=None)", Severity.MEDIUM
    return _of_object(source, call, sessions, stubs)


def _is_none(call: ast.Call, *names: str) -> bool:
    given = keyword(call, *names)
    return given is not None and isinstance(given.value, ast.Constant) and given.value.value is None


def _elsewhere(source: Source, call: ast.Call, client: _Client) -> bool:
    """Whether the timeout is in an address, or given to each request of a session."""
    texts = [it.value for it in every(call) if isinstance(it, ast.Constant)]
    if any(isinstance(it, str) and client.timeouts[0] in it for it in texts):
        return True
    if client.name == "aiohttp.ClientSession":
        return any(keyword(it, "timeout") for it in source.calls if it is not call)
    return False


def _sessions(source: Source) -> frozenset[str]:
    """The names that are bound to a `requests.Session`, unless an adapter gives timeouts."""
    if any("timeout" in it.lower() and "adapter" in it.lower() for it in _names(source)):
        return frozenset()
    bound = {
        name
        for name, values in source.bound.items()
        for value in values
        if isinstance(value, ast.Call) and source.called(value) in _SESSIONS
    }
    for node in source.of(ast.withitem):
        if isinstance(node.optional_vars, ast.Name):
            inner = node.context_expr
            if isinstance(inner, ast.Call) and source.called(inner) in _SESSIONS:
                bound.add(node.optional_vars.id)
    return frozenset(bound)


def _names(source: Source) -> set[str]:
    return {it.name for it in source.of(ast.ClassDef)} | set(source.imported)


def _stubs(source: Source) -> frozenset[str]:
    """The names that are bound to a gRPC stub."""
    if not any(it.partition(".")[0] == "grpc" for it in source.imported.values()):
        return frozenset()
    return frozenset(
        name
        for name, values in source.bound.items()
        for value in values
        if isinstance(value, ast.Call) and source.called(value).endswith("Stub")
    )


def _of_object(
    source: Source, call: ast.Call, sessions: frozenset[str], stubs: frozenset[str]
) -> tuple[str, Severity]:
    """A call of a method of a session or of a stub."""
    if not isinstance(call.func, ast.Attribute) or keyword(call, "timeout"):
        return "", Severity.NOTE
    owner = call.func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    is_made = isinstance(owner, ast.Call) and source.called(owner) in _SESSIONS
    name = "the session" if is_made else name
    if (is_made or name in sessions) and call.func.attr in _VERBS:
        return f"{name}.{call.func.attr} {_FOREVER}", Severity.MEDIUM
    if name in stubs and call.func.attr[:1].isupper():
        return f"{name}.{call.func.attr} {_FOREVER}", Severity.LOW
    return "", Severity.NOTE
