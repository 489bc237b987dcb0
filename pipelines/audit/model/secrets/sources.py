"""Credentials in Python: what names are bound to, what calls are given, and what defaults say."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from pipelines.audit.model.python.trees import LEAVES, children
from pipelines.audit.model.secrets.credentials import is_secret_name, logins, tokens
from pipelines.audit.model.secrets.facts import Where, Written, written
from pipelines.audit.place import Place

# A file without any such line, in lower case, holds no credential that could be told.
_WORTH = re.compile(
    r"(?:passw|pwd|secret|token|key|credential|_pass\b)\w{0,40}[\"']?[^\"'#]{0,80}"
    r"[\"'][^\"'\n]{3,300}[\"']"
    r"|://[^\s/@\"']{0,80}:[^\s/@\"']{1,200}@|private key|akia|gh[pousr]_|xox[abp]-"
)
# Functions that read a variable of the environment, whose next argument is its default.
_READERS = frozenset({"getenv", "env", "config", "get_env", "env_var", "getenv_or", "get_env_var"})
_ENVIRONMENTS = frozenset({"environ", "env", "ENV", "environment", "_env"})
_CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_METHODS = frozenset({"get", "setdefault", "str", "url", "db", "string", "pop"})
_WRAPPERS = frozenset({"SecretStr", "str", "Secret", "Field", "PostgresDsn", "RedisDsn"})
_SHORTEST = 8  # characters of a token, or of an address with a password
# Arguments that only tell people something.
_TOLD = frozenset({"help", "description", "example", "examples", "title", "epilog", "usage"})


def is_worth_parsing(text: str) -> bool:
    """Whether a text may hold a credential: a cheap look before the expensive one."""
    return bool(_WORTH.search(text.lower()))


def read(tree: ast.Module, file: str) -> Iterator[Written]:
    """The credentials of one module."""
    seen: set[Place] = set()
    for found in _Reading(file).statements(tree.body, settings=False):
        if found.place not in seen:
            seen.add(found.place)
            yield found


class _Reading:
    """One file that is being read; what documents the code is passed over."""

    def __init__(self, file: str) -> None:
        self._file = file

    def statements(self, body: list[ast.stmt], *, settings: bool) -> Iterator[Written]:
        waiting: list[tuple[ast.AST, bool]] = [(it, settings) for it in reversed(body)]
        while waiting:
            node, is_setting = waiting.pop()
            kind = type(node)
            if kind in _PASSED_OVER and _is_aside(node):
                continue
            look = _LOOKS.get(kind)
            if look is not None:
                yield from look(self, node, is_setting)
            if kind is ast.Constant:
                continue
            if kind in _SCOPES:
                is_setting = isinstance(node, ast.ClassDef) and _is_settings(node)
            below = children(node, _NAMES)
            below.reverse()
            waiting += [(it, is_setting) for it in below]

    def bound(self, node: ast.Assign | ast.AnnAssign, is_setting: bool) -> Iterator[Written]:
        if node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield from self._assigned(_name(target), node.value, is_setting)

    def keyed(self, node: ast.Dict, is_setting: bool) -> Iterator[Written]:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from self._assigned(key.value, value, False)

    def _assigned(self, name: str, value: ast.expr, is_setting: bool) -> Iterator[Written]:
        for literal in _literals(value):
            place, text = Place(self._file, literal.lineno), _text(literal)
            if is_secret_name(name):
                yield from written(name, text, place, Where.SOURCE, is_default=is_setting)
            else:
                yield from self._formed(name, text, place, is_default=is_setting)

    def called(self, call: ast.Call, is_setting: bool) -> Iterator[Written]:
        variable, default = _variable(call)
        if variable and default is not None:
            for literal in _literals(default):
                place = Place(self._file, literal.lineno)
                yield from written(variable, _text(literal), place, Where.SOURCE, is_default=True)
            return
        for keyword in call.keywords:
            if keyword.arg and keyword.arg not in _TOLD:
                yield from self._assigned(keyword.arg, keyword.value, False)

    def chosen(self, node: ast.BoolOp, is_setting: bool) -> Iterator[Written]:
        """`os.getenv("X") or "value"`, `given or "value"`."""
        if isinstance(node.op, ast.And):
            return
        first = node.values[0]
        variable = _variable(first)[0] if isinstance(first, ast.Call) else ""
        for value in node.values[1:]:
            for literal in _literals(value):
                place, text = Place(self._file, literal.lineno), _text(literal)
                if variable:
                    yield from written(variable, text, place, Where.SOURCE, is_default=True)
                else:
                    yield from self._formed(_name(first), text, place, is_default=True)

    def parameters(self, node: ast.arguments, is_setting: bool) -> Iterator[Written]:
        positional = [*node.posonlyargs, *node.args]
        pairs = [
            *zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True),
            *zip(node.kwonlyargs, node.kw_defaults, strict=True),
        ]
        for argument, default in pairs:
            if default is not None:
                yield from self._assigned(argument.arg, default, False)

    def literal(self, node: ast.Constant | ast.JoinedStr, is_setting: bool) -> Iterator[Written]:
        yield from self._formed("", _text(node), Place(self._file, node.lineno), is_default=False)

    def _formed(self, name: str, text: str, place: Place, *, is_default: bool) -> Iterator[Written]:
        """What is a credential by its form, whatever the name."""
        if len(text) < _SHORTEST or ("\n" in text and "PRIVATE KEY" not in text):
            return
        if any(logins(text)) or any(tokens(text)):
            yield from written(name, text, place, Where.SOURCE, is_default=is_default)


# By type, as there are tens of thousands of nodes.
_LOOKS: dict[type[ast.AST], Callable[[_Reading, Any, bool], Iterator[Written]]] = {
    ast.Assign: _Reading.bound,
    ast.AnnAssign: _Reading.bound,
    ast.Dict: _Reading.keyed,
    ast.Call: _Reading.called,
    ast.BoolOp: _Reading.chosen,
    ast.arguments: _Reading.parameters,
    ast.Constant: _Reading.literal,
    ast.JoinedStr: _Reading.literal,
}
_SCOPES = frozenset({ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef})
_PASSED_OVER = frozenset({ast.Expr, ast.keyword, ast.ClassDef})
_NAMES = LEAVES - {ast.Constant}  # below these stands nothing


def _is_aside(node: ast.AST) -> bool:
    """Whether a node documents the code, or is of a class that holds no credentials."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.keyword):
        return node.arg in _TOLD
    if not isinstance(node, ast.ClassDef):
        return False
    is_test = node.name.startswith("Test") or node.name.endswith("Test")
    return is_test or any(_name(base).endswith("Enum") for base in node.bases)


def _is_settings(node: ast.ClassDef) -> bool:
    """Whether a class reads its fields from the environment, as pydantic's settings do."""
    bases = [_name(base) for base in node.bases]
    return any(base.endswith(("Settings", "Config")) for base in bases)


def _name(node: ast.expr) -> str:
    """The last part of a dotted name; the key of `x["key"]`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value if isinstance(node.slice.value, str) else ""
    return ""


def _literals(node: ast.expr, depth: int = 0) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The texts that an expression is, through what only wraps them."""
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    ):
        yield node
    elif depth > 4:
        return
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body, depth + 1)
        yield from _literals(node.orelse, depth + 1)
    elif isinstance(node, ast.Call) and _name(node.func) in _WRAPPERS:
        given = [*node.args[:1], *(it.value for it in node.keywords if it.arg == "default")]
        for value in given:
            yield from _literals(value, depth + 1)


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    """A literal; what is put into it stands as `{}`."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(it.value) if isinstance(it, ast.Constant) else "{x}" for it in node.values)


def _variable(call: ast.Call) -> tuple[str, ast.expr | None]:
    """The variable of the environment that a call reads, and its default."""
    if not call.args or not isinstance(call.args[0], ast.Constant):
        return "", None
    name = call.args[0].value
    if not isinstance(name, str):
        return "", None
    function = call.func
    given = [it.value for it in call.keywords if it.arg in ("default", "fallback")]
    if given and _CAPITALS.fullmatch(name):  # whatever reads it, by that name and with a default
        return name, given[0]
    if isinstance(function, ast.Attribute):
        owner = _name(function.value)
        is_reader = function.attr == "getenv" or (
            owner in _ENVIRONMENTS and function.attr in _METHODS
        )
    else:
        is_reader = _name(function) in _READERS
    if not is_reader:
        return "", None
    default = call.args[1] if len(call.args) > 1 else (given[0] if given else None)
    return name, default
