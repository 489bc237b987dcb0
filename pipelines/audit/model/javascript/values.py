"""Values of JavaScript as far as they are written down: literals, objects, names, choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from tree_sitter import Node

from pipelines.audit.place import Place

_DEEPEST = 40  # values within values; people nest a handful
_MEMBERS = 12  # of a dotted name
_LONGEST = 160  # characters of a source text that is kept for what is no literal
_SAME = {  # calls and constructors that hand on what they are given
    "String",
    "Boolean",
    "Number",
    "parseInt",
    "JSON.parse",
    "Object.freeze",
    "Array.from",
    "Array",
    "RegExp",
}
_ON_ITSELF = {  # methods whose result says what the text or list said that they were called on
    "split",
    "map",
    "filter",
    "trim",
    "toString",
    "toLowerCase",
    "concat",
    "slice",
    "replace",
    "replaceAll",
}
_WRAPPERS = {
    "parenthesized_expression",
    "as_expression",
    "satisfies_expression",
    "non_null_expression",
    "await_expression",
    "type_assertion",
}
_FUNCTIONS = {"arrow_function", "function_expression", "function", "method_definition"}


# Shared by the many values that have no fields.
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Kind(Enum):
    """What a value is."""

    TEXT = "text"  # `text` is it, escapes as they are written
    NUMBER = "number"
    WORD = "word"  # true, false, null, undefined
    OBJECT = "object"  # `fields`; what is spread into it is among `items`
    LIST = "list"  # `items`
    NAME = "name"  # `text` is dotted: a.b.c
    VARIABLE = "variable"  # of the environment; `text` is its name
    CHOICE = "choice"  # one of `items`: a || b, a ?? b, x ? a : b
    TEMPLATE = "template"  # `text` as written, `items` are what is put in
    CALL = "call"  # `text` is what is called, `items` its arguments
    FUNCTION = "function"  # `text` is its source
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Value:
    """One expression."""

    kind: Kind
    text: str
    place: Place
    items: tuple[Value, ...] = ()
    fields: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)

    @property
    def is_true(self) -> bool:
        return self.kind is Kind.WORD and self.text == "true"

    @property
    def is_false(self) -> bool:
        return self.kind is Kind.WORD and self.text == "false"

    @property
    def outcomes(self) -> Iterator[Value]:
        """What it can be: the sides of a choice, else itself."""
        if self.kind is not Kind.CHOICE:
            yield self
        for item in self.items if self.kind is Kind.CHOICE else ():
            yield from item.outcomes


def source(node: Node, longest: int = _LONGEST) -> str:
    """The text that a node stands for."""
    text = node.text or b""
    return text[:longest].decode("utf-8", errors="replace")


def place(node: Node, file: str) -> Place:
    return Place(file, node.start_point.row + 1)


def dotted(node: Node | None) -> str:
    """`a.b.c` of a name or of members of it, `this` included; "" for all else.

    A call on the way is `a().b`, and `require("m").b` is `m.b`.
    """
    parts: list[str] = []
    call = ""
    for _ in range(_MEMBERS):
        if node is None:
            break
        if node.type in ("identifier", "this", "super"):
            parts.append(f"{source(node)}{call}")
            return ".".join(reversed(parts))
        if node.type == "non_null_expression":
            node = node.named_children[0] if node.named_children else None
        elif node.type == "call_expression":
            module = required(node)
            if module and not call:
                return ".".join([module, *reversed(parts)])
            call = "()"
            node = node.child_by_field_name("function")
        elif node.type == "member_expression":
            member = node.child_by_field_name("property")
            parts.append(f"{source(member) if member is not None else ''}{call}")
            call = ""
            node = node.child_by_field_name("object")
        else:
            break
    return ""


def required(node: Node) -> str:
    """The module of `require("module")` or `import("module")`; "" for every other call."""
    function = node.child_by_field_name("function")
    given = node.child_by_field_name("arguments")
    if function is None or given is None or source(function) not in ("require", "import"):
        return ""
    return (literal(given.named_children[0]) or "") if given.named_children else ""


def literal(node: Node) -> str | None:
    """A string, or a template into which nothing is put; None for all else."""
    if node.type not in ("string", "template_string"):
        return None
    if any(child.type == "template_substitution" for child in node.named_children):
        return None
    return source(node, 5_000)[1:-1]


def read(node: Node | None, file: str, depth: int = 0) -> Value:
    """The value that an expression stands for."""
    if node is None or depth > _DEEPEST:
        return Value(Kind.OTHER, "", Place(file))
    while node.type in _WRAPPERS and node.named_children:
        node = node.named_children[-1 if node.type == "type_assertion" else 0]
    reader = _READERS.get(node.type)
    if reader:
        return reader(node, file, depth)
    if node.type in _FUNCTIONS:
        return Value(Kind.FUNCTION, source(node), place(node, file))
    return Value(Kind.OTHER, source(node), place(node, file))


def _word(node: Node, file: str, depth: int) -> Value:
    return Value(Kind.WORD, node.type, place(node, file))


def _number(node: Node, file: str, depth: int) -> Value:
    return Value(Kind.NUMBER, source(node), place(node, file))


def _text(node: Node, file: str, depth: int) -> Value:
    text = literal(node)
    if text is not None:
        return Value(Kind.TEXT, text, place(node, file))
    items = tuple(
        read(inner, file, depth + 1)
        for child in node.named_children
        if child.type == "template_substitution"
        for inner in child.named_children[:1]
    )
    return Value(Kind.TEMPLATE, source(node, 5_000)[1:-1], place(node, file), items)


def variable(node: Node) -> str:
    """The name of the environment's variable that a member expression reads; "" if it is none."""
    if node.type not in ("member_expression", "subscript_expression"):
        return ""
    owner = node.child_by_field_name("object")
    if owner is None or owner.end_byte - owner.start_byte > 20:
        return ""
    if (owner.text or b"") not in (b"process.env", b"Bun.env", b"import.meta.env"):
        return ""
    member = node.child_by_field_name("property")
    if member is not None:
        return source(member)
    index = node.child_by_field_name("index")
    return (literal(index) or "") if index is not None else ""


def _member(node: Node, file: str, depth: int) -> Value:
    name = variable(node)
    if name:
        return Value(Kind.VARIABLE, name, place(node, file))
    path = dotted(node)
    return Value(Kind.NAME if path else Kind.OTHER, path or source(node), place(node, file))


def _choice(node: Node, file: str, depth: int) -> Value:
    operator = node.child_by_field_name("operator")
    if node.type == "ternary_expression":
        sides = ("consequence", "alternative")
    elif operator is not None and operator.type in ("||", "??"):
        sides = ("left", "right")
    elif operator is not None and operator.type == "&&":
        return read(node.child_by_field_name("right"), file, depth + 1)
    else:
        return Value(Kind.OTHER, source(node), place(node, file))
    items = tuple(read(node.child_by_field_name(side), file, depth + 1) for side in sides)
    return Value(Kind.CHOICE, source(node), place(node, file), items)


def _list(node: Node, file: str, depth: int) -> Value:
    items = tuple(
        read(_unspread(child), file, depth + 1)
        for child in node.named_children
        if child.type != "comment"
    )
    return Value(Kind.LIST, "", place(node, file), items)


def _unspread(node: Node) -> Node:
    is_spread = node.type == "spread_element" and node.named_children
    return node.named_children[0] if is_spread else node


def _object(node: Node, file: str, depth: int) -> Value:
    fields: dict[str, Value] = {}
    spread: list[Value] = []
    for child in node.named_children:
        if child.type == "pair":
            key = child.child_by_field_name("key")
            name = (literal(key) or source(key)) if key is not None else ""
            fields[name] = read(child.child_by_field_name("value"), file, depth + 1)
        elif child.type == "shorthand_property_identifier":
            fields[source(child)] = Value(Kind.NAME, source(child), place(child, file))
        elif child.type == "spread_element":
            spread.append(read(_unspread(child), file, depth + 1))
        elif child.type == "method_definition":
            named = child.child_by_field_name("name")
            if named is not None:
                fields[source(named)] = read(child, file, depth + 1)
    return Value(Kind.OBJECT, "", place(node, file), tuple(spread), fields)


def _call(node: Node, file: str, depth: int) -> Value:
    is_new = node.type == "new_expression"
    module = required(node)
    if module:
        return Value(Kind.NAME, module, place(node, file))
    callee = node.child_by_field_name("constructor" if is_new else "function")
    if callee is not None and callee.type == "member_expression":
        method = callee.child_by_field_name("property")
        if method is not None and source(method) in _ON_ITSELF:
            return read(callee.child_by_field_name("object"), file, depth + 1)
    items = arguments(node, file, depth + 1)
    name = dotted(callee)
    if name in _SAME and items:
        return items[0]
    if name == "Deno.env.get" and items and items[0].kind is Kind.TEXT:
        return Value(Kind.VARIABLE, items[0].text, place(node, file))
    return Value(Kind.CALL, name, place(node, file), items)


def arguments(node: Node, file: str, depth: int = 0) -> tuple[Value, ...]:
    """What a call is given."""
    given = node.child_by_field_name("arguments")
    if given is None or given.type != "arguments":  # none, or a tagged template
        return ()
    return tuple(
        read(_unspread(child), file, depth + 1)
        for child in given.named_children
        if child.type != "comment"
    )


_READERS = {
    "string": _text,
    "template_string": _text,
    "number": _number,
    "true": _word,
    "false": _word,
    "null": _word,
    "undefined": _word,
    "object": _object,
    "array": _list,
    "identifier": _member,
    "member_expression": _member,
    "subscript_expression": _member,
    "binary_expression": _choice,
    "ternary_expression": _choice,
    "call_expression": _call,
    "new_expression": _call,
}
