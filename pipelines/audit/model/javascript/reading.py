"""The syntax of one file, and the facts that are taken from it; no tree is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Query, QueryCursor

from pipelines.audit.model.javascript.facts import (
    Application,
    Call,
    Import,
    Literal,
    Module,
    Read,
    Route,
)
from pipelines.audit.model.javascript.values import (
    Kind,
    Value,
    arguments,
    dotted,
    literal,
    place,
    read,
    required,
    source,
    variable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# How a framework's application is made, by the module it comes from.
FRAMEWORKS = {
    "express": "express",
    "fastify": "fastify",
    "koa": "koa",
    "@koa/router": "koa",
    "koa-router": "koa",
    "hono": "hono",
    "restify": "restify",
    "polka": "polka",
    "@hapi/hapi": "hapi",
    "@nestjs/core": "nest",
    "@nestjs/common": "nest",
    "next": "next",
    "socket.io": "socket.io",
    "http": "node",
    "node:http": "node",
    "https": "node",
    "node:https": "node",
}
_MAKERS = {
    "express": {"express", "Router"},
    "fastify": {"fastify", "Fastify"},
    "koa": {"Koa"},
    "hono": {"Hono"},
    "restify": {"createServer"},
    "polka": {"polka"},
    "hapi": {"server", "Server"},
    "nest": {"create", "createApplicationContext"},
    "node": {"createServer"},
}
# The names of calls that are kept beside those of what is imported: a file has hundreds.
CALLED = {
    "use",
    "register",
    "route",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "options",
    "all",
    "listen",
    "enableCors",
    "setHeader",
    "header",
    "set",
    "append",
    "writeHead",
    "fetch",
    "axios",
    "request",
    "create",
    "connect",
    "createConnection",
    "createClient",
    "createPool",
    "createServer",
    "createTransport",
    "Agent",
    "Server",
    "Client",
    "Pool",
    "Redis",
    "inc",
    "dec",
    "observe",
}
_METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "all"}
_DECORATED = {"Get", "Post", "Put", "Patch", "Delete", "Head", "Options", "All"}
_NO_ROUTERS = {"axios", "http", "https", "api", "client", "request", "agent", "nock", "supertest"}
_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_CHAIN = 12  # calls on the result of a call
_HANDLERS = {Kind.FUNCTION, Kind.NAME, Kind.CALL, Kind.LIST, Kind.OBJECT}

# Node types alone: a pattern that asks for children costs the square of how deep a file is nested.
_QUERY = """
(import_statement) @import
(call_expression) @call
(new_expression) @new
(variable_declarator) @declared
(public_field_definition) @declared
(assignment_expression) @assigned
(member_expression) @member
(subscript_expression) @member
(object_pattern) @pattern
(pair) @pair
(string) @text
(template_string) @text
(class_declaration) @class
"""
_JAVASCRIPT_QUERY = _QUERY.replace("public_field_definition", "field_definition")


@cache
def _grammar(suffix: str) -> tuple[Parser, Query]:
    if suffix in ("ts", "mts", "cts"):
        language, query = Language(tree_sitter_typescript.language_typescript()), _QUERY
    elif suffix == "tsx":
        language, query = Language(tree_sitter_typescript.language_tsx()), _QUERY
    else:
        language, query = Language(tree_sitter_javascript.language()), _JAVASCRIPT_QUERY
    return Parser(language), Query(language, query)


def module(text: bytes, file: str) -> Module:
    """The facts of one file; never raises, whatever it holds."""
    parser, query = _grammar(file.rpartition(".")[2].lower())
    root = parser.parse(text).root_node
    found: Mapping[str, list[Node]] = QueryCursor(query).captures(root)
    nodes = {name: sorted(them, key=lambda node: node.start_byte) for name, them in found.items()}
    imports = tuple(_imports(nodes, file))
    imported = {name for it in imports for name in (it.module, *it.names)}
    calls = tuple(_calls(nodes, imported, file))
    names = _names(nodes, file)
    frameworks = {FRAMEWORKS[it.module] for it in imports if it.module in FRAMEWORKS}
    return Module(
        file=file,
        imports=imports,
        reads=tuple(_reads(nodes, file)),
        literals=tuple(_literals(nodes, file)),
        calls=calls,
        routes=tuple(_routes(nodes, calls, names, frameworks, file)),
        applications=tuple(_applications(names, imports)),
        names=names,
        rebound=frozenset(_rebound(nodes)),
        frameworks=frozenset(frameworks),
        is_broken=root.has_error,
    )


def _imports(nodes: Mapping[str, list[Node]], file: str) -> Iterator[Import]:
    for node in nodes.get("import", ()):
        target = node.child_by_field_name("source")
        name = literal(target) if target is not None else None
        if name is not None:
            yield Import(name, dict(_imported(node)), place(node, file))
    for node in nodes.get("call", ()):
        name = required(node)
        if name:
            yield Import(name, dict(_required(node)), place(node, file))


def _imported(node: Node) -> Iterator[tuple[str, str]]:
    clause = next((it for it in node.named_children if it.type == "import_clause"), None)
    for child in clause.named_children if clause is not None else ():
        if child.type == "identifier":
            yield source(child), "default"
        elif child.type == "namespace_import":
            yield source(child.named_children[-1]), "*"
        elif child.type == "named_imports":
            for it in child.named_children:
                name, alias = it.child_by_field_name("name"), it.child_by_field_name("alias")
                if name is not None:
                    yield source(alias or name), source(name)


def _required(node: Node) -> Iterator[tuple[str, str]]:
    """The names that `const x = require(...)`, `{ x, y: z }` and `require(...).x` bind."""
    member = "default"
    parent = node.parent
    if parent is not None and parent.type == "await_expression":
        parent = parent.parent
    if parent is not None and parent.type == "member_expression":
        name = parent.child_by_field_name("property")
        member = source(name) if name is not None else ""
        parent = parent.parent
    target = parent.child_by_field_name("name") if parent is not None else None
    if target is None or parent is None or parent.type != "variable_declarator":
        return
    if target.type == "identifier":
        yield source(target), member
    for child in target.named_children if target.type == "object_pattern" else ():
        if child.type == "shorthand_property_identifier_pattern":
            yield source(child), source(child)
        elif child.type == "pair_pattern":
            key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
            if key is not None and value is not None:
                yield source(value), source(key)


def _calls(nodes: Mapping[str, list[Node]], imported: set[str], file: str) -> Iterator[Call]:
    both = [(node, False) for node in nodes.get("call", ())]
    both += [(node, True) for node in nodes.get("new", ())]
    for node, is_new in sorted(both, key=lambda it: it[0].start_byte):
        callee = node.child_by_field_name("constructor" if is_new else "function")
        name = dotted(callee)
        first, last = name.partition(".")[0], name.rpartition(".")[2]
        if last in CALLED or first in imported or name in imported:
            # A chain of calls begins far above: the line is that of the method's name.
            member = callee.child_by_field_name("property") if callee is not None else None
            yield Call(name, arguments(node, file), place(member or node, file), is_new)


def _names(nodes: Mapping[str, list[Node]], file: str) -> dict[str, Value]:
    names: dict[str, Value] = {}
    for node in nodes.get("declared", ()):
        target = node.child_by_field_name("name") or node.child_by_field_name("property")
        value = node.child_by_field_name("value")
        is_named = target is not None and target.type in ("identifier", "property_identifier")
        if target is not None and is_named and value is not None:
            names.setdefault(source(target), read(value, file))
    for node in nodes.get("assigned", ()):
        name = dotted(node.child_by_field_name("left"))
        if name:
            names.setdefault(name, read(node.child_by_field_name("right"), file))
    return names


def _rebound(nodes: Mapping[str, list[Node]]) -> Iterator[str]:
    """The names that the result of a call is assigned to."""
    for node in nodes.get("assigned", ()):
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        is_plain = left is not None and left.type == "identifier"
        if left is not None and is_plain and right is not None and right.type == "call_expression":
            yield source(left)


def _reads(nodes: Mapping[str, list[Node]], file: str) -> Iterator[Read]:
    for node in nodes.get("member", ()):
        name = variable(node)
        if name and not _is_set(node):
            value = _default(node, file)
            text = value.text if value else None
            yield Read(name, text, place(node, file), value)
    for node in nodes.get("call", ()):
        if dotted(node.child_by_field_name("function")) == "Deno.env.get":
            value = read(node, file)
            fallback = _default(node, file)
            if value.kind is Kind.VARIABLE:
                text = fallback.text if fallback else None
                yield Read(value.text, text, place(node, file), fallback)
    for node in nodes.get("pair", ()):
        if declared := _declared(node, file):
            yield declared
    for node in nodes.get("pattern", ()):
        owner = node.parent.child_by_field_name("value") if node.parent is not None else None
        if owner is not None and dotted(owner) == "process.env":
            yield from _destructured(node, file)


def _declared(pair: Node, file: str) -> Read | None:
    """What a schema of the environment gives a variable that is not set.

    `JWT_SECRET: z.string().default("x")`, `JWT_SECRET: str({ default: "x" })`.
    """
    key, call = pair.child_by_field_name("key"), pair.child_by_field_name("value")
    if key is None or not _ENVIRONMENT.fullmatch(source(key)):
        return None
    for _ in range(_CHAIN):
        if call is None or call.type != "call_expression":
            break
        function = call.child_by_field_name("function")
        member = function.child_by_field_name("property") if function is not None else None
        given = arguments(call, file)
        is_member = member is not None and source(member) == "default"
        default = given[0] if given and is_member else given and given[0].fields.get("default")
        if default and (value := _beside(default)):
            return Read(source(key), value.text, place(key, file), value)
        call = function.child_by_field_name("object") if function is not None else None
    return None


def _is_set(node: Node) -> bool:
    """Whether `process.env.X = ...` sets it."""
    parent = node.parent
    if parent is None or parent.type != "assignment_expression":
        return False
    return parent.child_by_field_name("left") == node


def _default(node: Node, file: str) -> Value | None:
    """The text that stands beside a variable: the other side of `||`, `??` or a ternary."""
    for _ in range(8):
        parent = node.parent
        if parent is None:
            return None
        if parent.type == "binary_expression":
            operator = parent.child_by_field_name("operator")
            if operator is None or operator.type not in ("||", "??"):
                return None
            is_first = parent.child_by_field_name("left") == node
            beside = _beside(read(parent.child_by_field_name("right"), file)) if is_first else None
            if beside is not None:
                return beside
            node = parent  # what stands beside both
            continue
        if parent.type == "ternary_expression":
            condition = parent.child_by_field_name("condition") == node
            return (
                _beside(read(parent.child_by_field_name("alternative"), file))
                if condition
                else None
            )
        if parent.type not in _TRANSPARENT:
            return None
        node = parent
    return None


_TRANSPARENT = {
    "parenthesized_expression",
    "as_expression",
    "satisfies_expression",
    "non_null_expression",
}


def _beside(value: Value) -> Value | None:
    kinds = (Kind.TEXT, Kind.NUMBER, Kind.WORD)
    return next((it for it in value.outcomes if it.kind in kinds), None)


def _destructured(pattern: Node, file: str) -> Iterator[Read]:
    for child in pattern.named_children:
        name, value = child, None
        if child.type == "object_assignment_pattern":
            name = child.child_by_field_name("left") or child
            value = _beside(read(child.child_by_field_name("right"), file))
        elif child.type == "pair_pattern":
            name = child.child_by_field_name("key") or child
            bound = child.child_by_field_name("value")
            if bound is not None and bound.type == "assignment_pattern":
                value = _beside(read(bound.child_by_field_name("right"), file))
        yield Read(source(name), value.text if value else None, place(child, file), value)


def _literals(nodes: Mapping[str, list[Node]], file: str) -> Iterator[Literal]:
    for node in nodes.get("text", ()):
        text = literal(node)
        text = source(node, 5_000)[1:-1] if text is None and b"://" in (node.text or b"") else text
        if not text:
            continue
        name = _assigned(node)
        if name or "://" in text:
            yield Literal(name, text, place(node, file))


_TARGETS = {
    "variable_declarator": "name",
    "public_field_definition": "name",
    "field_definition": "property",
    "pair": "key",
    "assignment_expression": "left",
    "property_signature": "name",
}


def _assigned(node: Node) -> str:
    """The name that a text is given to; "" for one that is only passed on, or an import's."""
    parent = node.parent
    while parent is not None and parent.type in _TRANSPARENT:
        parent = parent.parent
    if parent is None or parent.type not in _TARGETS:
        return ""
    target = parent.child_by_field_name(_TARGETS[parent.type])
    if target is None or target == node:
        return ""
    return literal(target) or dotted(target) or source(target, 100)


def _routes(
    nodes: Mapping[str, list[Node]],
    calls: tuple[Call, ...],
    names: Mapping[str, Value],
    frameworks: set[str],
    file: str,
) -> Iterator[Route]:
    if not frameworks - {"next", "socket.io"}:
        return
    for call in calls:
        owner = call.owner.rpartition(".")[2]
        path = call.arguments[0] if call.arguments else None
        if call.name in _METHODS and owner and owner.lower() not in _NO_ROUTERS:
            if path is not None and _is_path(path) and _is_handled(call.arguments[1:]):
                yield Route(call.name.upper(), path.text, call.place)
        elif call.name == "route" and path is not None and path.kind is Kind.OBJECT:
            yield from _described(path, call)
    if "nest" in frameworks:
        yield from _controllers(nodes, file)


def _is_path(value: Value) -> bool:
    return value.kind is Kind.TEXT and value.text[:1] in ("/", "*")


def _is_handled(values: tuple[Value, ...]) -> bool:
    return bool(values) and values[-1].kind in _HANDLERS


def _described(options: Value, call: Call) -> Iterator[Route]:
    """`server.route({ method, url, handler })` of fastify and hapi."""
    path = options.fields.get("url") or options.fields.get("path")
    method = options.fields.get("method")
    if path is None or method is None or path.kind is not Kind.TEXT:
        return
    for it in method.items if method.kind is Kind.LIST else (method,):
        yield Route(it.text.upper(), path.text, call.place)


def _controllers(nodes: Mapping[str, list[Node]], file: str) -> Iterator[Route]:
    for node in nodes.get("class", ()):
        body = node.child_by_field_name("body")
        around = [node, *([node.parent] if node.parent is not None else [])]
        prefix = next((it for parent in around for it in _decorators(parent, "Controller")), None)
        if body is None or prefix is None:
            continue
        for decorator in body.named_children:
            for call in _decorations(decorator, file, _DECORATED):
                parts = [part.strip("/") for part in (prefix, _path(call.arguments))]
                path = "/" + "/".join(part for part in parts if part)
                yield Route(call.callee.upper(), path, call.place)


def _decorators(node: Node, name: str) -> Iterator[str]:
    for child in node.named_children:
        for call in _decorations(child, "", {name}):
            yield _path(call.arguments)


def _decorations(node: Node, file: str, names: set[str]) -> Iterator[Call]:
    if node.type == "decorator" and node.named_children:
        inner = node.named_children[0]
        callee = inner.child_by_field_name("function") if inner.type == "call_expression" else None
        if callee is not None and source(callee) in names:
            yield Call(source(callee), arguments(inner, file), place(node, file))


def _path(given: tuple[Value, ...]) -> str:
    first = given[0] if given else None
    if first is not None and first.kind is Kind.OBJECT:
        first = first.fields.get("path")
    if first is not None and first.kind is Kind.LIST and first.items:
        first = first.items[0]
    return first.text if first is not None and first.kind is Kind.TEXT else ""


def _applications(names: Mapping[str, Value], imports: tuple[Import, ...]) -> Iterator[Application]:
    local = {
        name: (FRAMEWORKS[it.module], there)
        for it in imports
        if it.module in FRAMEWORKS
        for name, there in {it.module: "default", **it.names}.items()
    }
    for name, value in names.items():
        if value.kind is Kind.CALL:
            root, _, member = value.text.partition(".")
            framework, there = local.get(root, ("", ""))
            made = member or (root if there in ("default", "*") else there)
            if framework and (made in _MAKERS.get(framework, ()) or not member):
                yield Application(name, framework, value.place)
