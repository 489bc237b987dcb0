"""Origins in Python: Starlette, Flask, Django, Socket.IO, aiohttp, and headers set by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import takewhile

from pipelines.audit.model import Model
from pipelines.audit.model.python.expressions import Source, dotted, keyword
from pipelines.audit.model.python.trees import every
from pipelines.audit.place import Place
from pipelines.audit.rules.origins import Access, Wild

_WORDS = ("cors", "access-control-allow-origin", "allow_origin", "allowed_origin")
_ANY_PATTERN = re.compile(r"\^?(https?\??:(//|\\/\\/))?\(?\.[*+]\)?\$?")
_DEVELOPMENT = re.compile(r"(^|[/_])(dev|devel|development|local|debug|tests?)(_settings)?\.py$")
_HEADER = "access-control-allow-origin"

# Keyword arguments that name origins, by what is called; the last part of it suffices.
_STARLETTE = ("CORSMiddleware",)
_SOCKETS = ("AsyncServer", "Server", "SocketIO")
_DJANGO_ALL = ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL")
_DJANGO_PATTERNS = ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST")
_DJANGO_CREDENTIALS = "CORS_ALLOW_CREDENTIALS"

Fields = Mapping[str, list[tuple[str, Source, ast.expr]]]


def accesses(model: Model) -> Iterator[Access]:
    """Every place in deployed modules that lets other origins in."""
    files = model.words.holding(*_WORDS, suffixes=(".py",))
    sources = {}
    for file in files:
        source = model.python.source(file)
        if source is not None:
            sources[file] = source
    fields = _fields(sources)
    for file, source in sources.items():
        if not _DEVELOPMENT.search(file):
            yield from in_module(source, file, fields)


def in_module(source: Source, file: str, fields: Fields | None = None) -> Iterator[Access]:
    """Those of one module; `fields` are settings that other modules define."""
    reader = _Reader(source, file, fields or {})
    for call in source.calls:
        yield from (it for it in reader.of_call(call) if not source.is_guarded(call))
    yield from reader.of_django()
    yield from reader.of_headers()


def _fields(sources: Mapping[str, Source]) -> Fields:
    """What names and fields that speak of origins are bound to, in all modules."""
    found: dict[str, list[tuple[str, Source, ast.expr]]] = {}
    for file, source in sources.items():
        for name, values in source.bound.items():
            if "cors" in name.lower() or "origin" in name.lower():
                found.setdefault(name, []).extend((file, source, value) for value in values)
    return found


class _Reader:
    def __init__(self, source: Source, file: str, fields: Fields) -> None:
        self.source = source
        self.file = file
        self.fields = fields

    def _place(self, node: ast.AST) -> Place:
        return Place(self.file, getattr(node, "lineno", 1))

    def of_call(self, call: ast.Call) -> Iterator[Access]:
        names = [dotted(call.func), *(dotted(it) for it in call.args[:2])]
        last = [name.rpartition(".")[2] for name in names]
        if any(name in _STARLETTE for name in last):
            yield from self._starlette(call)
        elif last[0] in _SOCKETS:
            given = keyword(call, "cors_allowed_origins")
            if given is not None:
                yield self._access(given.value, "Socket.IO", [given.value], call)
        elif self.source.called(call).startswith("flask_cors."):
            yield from self._flask(call, last[0])
        elif last[0] in ("setdefault", "add", "set_header", "add_header") and len(call.args) == 2:
            yield from self._header(call.args[0], call.args[1])

    def _starlette(self, call: ast.Call) -> Iterator[Access]:
        arguments = {it.arg: it.value for it in self._spread(call)}
        credentials = self._is_true(arguments.get("allow_credentials"))
        origins = arguments.get("allow_origins")
        if origins is not None:
            yield self._access(origins, "CORSMiddleware", [origins], call, credentials)
        pattern = arguments.get("allow_origin_regex")
        if pattern is not None:
            yield self._access(pattern, "CORSMiddleware", [pattern], call, credentials, True)

    def _spread(self, call: ast.Call) -> Iterator[ast.keyword]:
        """The keyword arguments, those of `**{...}` and of a dictionary by its name too."""
        for it in call.keywords:
            if it.arg is not None:
                yield it
                continue
            values = [it.value]
            if isinstance(it.value, ast.Name):
                values = self.source.bound.get(it.value.id, [])
            for value in values:
                if isinstance(value, ast.Dict):
                    for key, inner in zip(value.keys, value.values, strict=True):
                        if isinstance(key, ast.Constant) and isinstance(key.value, str):
                            yield ast.keyword(key.value, inner)
                elif isinstance(value, ast.Call) and dotted(value.func) == "dict":
                    yield from (inner for inner in value.keywords if inner.arg)

    def _flask(self, call: ast.Call, name: str) -> Iterator[Access]:
        if name not in ("CORS", "cross_origin", "init_app"):
            return
        given = keyword(call, "origins")
        resources = keyword(call, "resources")
        credentials = keyword(call, "supports_credentials")
        is_true = self._is_true(credentials.value if credentials else None)
        if given is not None:
            yield self._access(given.value, "flask-cors", [given.value], call, is_true)
        elif resources is not None:
            for values in _origins_of_resources(resources.value):
                yield self._access(values, "flask-cors", [values], call, is_true)
        elif "CORS_ORIGINS" not in self._constants and (call.args or name == "cross_origin"):
            place = self._place(call)
            yield Access(
                place,
                f"flask-cors's {name}",
                Wild(place),
                has_credentials=is_true,
                is_narrow=name == "cross_origin",
            )

    @property
    def _constants(self) -> set[object]:
        return {it.value for it in self.source.of(ast.Constant) if isinstance(it.value, str)}

    def of_django(self) -> Iterator[Access]:
        bound = self.source.bound
        credentials = any(self._is_true(it) for it in bound.get(_DJANGO_CREDENTIALS, ()))
        for name in (*_DJANGO_ALL, *_DJANGO_PATTERNS):
            for value in bound.get(name, ()):
                if self.source.is_guarded(value):
                    continue
                outcomes = self.source.outcomes(value)
                wild = [
                    it
                    for it in outcomes
                    if (it.value is True or str(it.value).lower() in ("true", "1"))
                    or (name in _DJANGO_PATTERNS and _is_any(it.value))
                ]
                if wild:
                    place = Place(self.file, wild[0].line)
                    yield Access(
                        place,
                        name,
                        Wild(place, wild[0].variable),
                        frozenset(it.variable for it in outcomes if it.variable),
                        credentials,
                    )

    def of_headers(self) -> Iterator[Access]:
        """`headers["Access-Control-Allow-Origin"] = "*"`, and in a dictionary."""
        for node in self.source.of(ast.Assign, ast.Dict):
            if isinstance(node, ast.Assign):
                if isinstance(node.targets[0], ast.Subscript):
                    yield from self._header(node.targets[0].slice, node.value)
            else:
                for key, value in zip(node.keys, node.values, strict=True):
                    if key is not None:
                        yield from self._header(key, value)

    def _header(self, key: ast.expr, value: ast.expr) -> Iterator[Access]:
        is_header = isinstance(key, ast.Constant) and str(key.value).lower() == _HEADER
        if is_header and isinstance(value, ast.Constant) and value.value == "*":
            place = self._place(value)
            yield Access(place, "a header", Wild(place), is_narrow=True)

    def _is_true(self, node: ast.expr | None) -> bool:
        return any(it.value is True for it in self.source.outcomes(node))

    def _access(
        self,
        at: ast.expr,
        what: str,
        values: list[ast.expr],
        call: ast.Call,
        credentials: bool = False,
        is_pattern: bool = False,
    ) -> Access:
        wilds: list[Wild] = []
        variables: set[str] = set()
        for file, source, value in self._all(values):
            for it in source.outcomes(value):
                variables.update([it.variable] if it.variable else [])
                if _is_any(it.value) if is_pattern else _is_wild(it.value):
                    wilds.append(Wild(Place(file, it.line), it.variable))
        for _, source, value in self._all(values):
            variables.update(_read(source, value))
        return Access(
            self._place(at),
            what,
            wilds[0] if wilds else None,
            frozenset(variables),
            credentials,
        )

    def _all(self, values: list[ast.expr]) -> Iterator[tuple[str, Source, ast.expr]]:
        """The expressions, and what other modules bind to the names that this one does not."""
        for value in values:
            yield self.file, self.source, value
            for node in every(value):
                name = _named(node)
                if name and name not in self.source.bound:
                    yield from _nearest(self.fields.get(name, []), self.file)


def _nearest(
    found: list[tuple[str, Source, ast.expr]], file: str
) -> list[tuple[str, Source, ast.expr]]:
    """Those in the module that has most folders in common: each service has its own settings."""
    shared = [_shared(it[0].split("/"), file.split("/")) for it in found]
    return [it for it, count in zip(found, shared, strict=True) if count == max(shared)]


def _shared(one: list[str], other: list[str]) -> int:
    same = (left == right for left, right in zip(one, other, strict=False))
    return sum(1 for _ in takewhile(bool, same))


def _named(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _read(source: Source, value: ast.expr) -> set[str]:
    """The variables of the environment that an expression reads, through names of the module.

    A field of a settings class is read from the variable of its name.
    """
    found: set[str] = set()
    waiting: list[ast.AST] = [value]
    seen: set[int] = set()
    while waiting and len(seen) < 2_000:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        name = source.read(node)
        if name:
            found.add(name)
        if isinstance(node, ast.Name):
            waiting.extend(source.bound.get(node.id, ()))
            function = source.functions.get(node.id)
            waiting.extend([function] if function else [])
        elif isinstance(node, ast.Attribute):
            waiting.extend(source.bound.get(node.attr, ()))
            found.add(node.attr.upper())
        waiting.extend(ast.iter_child_nodes(node))
    return found


def _origins_of_resources(node: ast.expr) -> Iterator[ast.expr]:
    """The `origins` of `resources={r"/api/*": {"origins": ...}}`."""
    for value in node.values if isinstance(node, ast.Dict) else ():
        if isinstance(value, ast.Dict):
            for key, inner in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "origins":
                    yield inner


def _is_wild(value: object) -> bool:
    return isinstance(value, str) and "*" in (it.strip(" []\"'") for it in value.split(","))


def _is_any(value: object) -> bool:
    return isinstance(value, str) and (value == "*" or bool(_ANY_PATTERN.fullmatch(value)))
