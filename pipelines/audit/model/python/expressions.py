"""Python expressions of one module: what a name can be, and which variable decides it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

from pipelines.audit.model.python.trees import children, every

One = TypeVar("One", bound=ast.AST)
Other = TypeVar("Other", bound=ast.AST)

_DEEPEST = 12  # parts of a dotted name
_MOST = 200  # outcomes of one expression; people write a handful

_READERS = {  # how a variable of the environment is read, by the last part of what is called
    "getenv",
    "get",
    "config",
    "env",
    "str",
    "list",
    "bool",
    "get_env",
    "env_list",
    "getenv_list",
}
_HANDING_ON = {"list", "set", "tuple", "sorted", "str", "cast", "literal_eval", "loads", "filter"}
_ON_ITSELF = {"split", "strip", "rstrip", "lstrip", "lower", "copy", "splitlines", "replace"}
_BINDING = (ast.AnnAssign, ast.NamedExpr, ast.For, ast.AsyncFor)
# What a person asks before something is opened up on purpose.
_SWITCHES = ("debug", "dev", "local", "test", "insecure", "unsafe", "demo", "mock")


@dataclass(frozen=True)
class Outcome:
    """What an expression can be: a constant, or what stands beside a variable as its default.

    `variable` is the variable that can change it, "" for what is written down for good.
    """

    value: object
    line: int
    variable: str = ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` of names and attributes; a call on the way is `a().b`; "" for all else."""
    parts: list[str] = []
    for _ in range(_DEEPEST):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call) and parts:
            parts[-1] = f"().{parts[-1]}"
            node = node.func
        elif isinstance(node, ast.Name):
            return ".".join([node.id, *reversed(parts)]).replace(".().", "().")
        else:
            return ""
    return ""


def keyword(call: ast.Call, *names: str) -> ast.keyword | None:
    """The argument of one of these names."""
    return next((it for it in call.keywords if it.arg in names), None)


def mentions(test: ast.AST, words: tuple[str, ...]) -> bool:
    """Whether a name or a text in an expression holds one of these words."""
    said = [getattr(it, field, "") for it in every(test) for field in ("id", "attr", "value")]
    return any(word in it.lower() for it in said if isinstance(it, str) for word in words)


def is_switched(test: ast.AST) -> bool:
    """Whether a condition asks for development, debugging, or leave to be unsafe."""
    return mentions(test, _SWITCHES)


class Source:
    """One module of so many characters: its tree, and what its names are bound to."""

    def __init__(self, tree: ast.Module, length: int = 0) -> None:
        self.tree = tree
        self.length = length

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node, breadth first."""
        return every(self.tree)

    def of(self, kind: type[One], *others: type[Other]) -> list[One | Other]:
        """The nodes of these types, breadth first."""
        wanted: frozenset[type] = frozenset((kind, *others))
        return [cast("One | Other", node) for node in self.nodes if type(node) in wanted]

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, from top to bottom."""
        return sorted(self.of(ast.Call), key=lambda it: (it.lineno, it.col_offset))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.nodes for child in children(node)}

    @cached_property
    def bound(self) -> dict[str, list[ast.expr]]:
        """What is assigned to each name: variables, fields of classes, attributes of `self`."""
        bound: dict[str, list[ast.expr]] = {}
        for node in self.of(ast.Assign, *_BINDING):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    bound.setdefault(_target(target), []).append(node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                bound.setdefault(_target(node.target), []).append(node.value)
            elif isinstance(node, ast.For | ast.AsyncFor) and isinstance(node.target, ast.Name):
                bound.setdefault(node.target.id, []).append(node.iter)
        bound.pop("", None)
        return bound

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        return {node.name: node for node in self.of(ast.FunctionDef, ast.AsyncFunctionDef)}

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local names by what they stand for: {"np": "numpy", "get": "requests.get"}."""
        found: dict[str, str] = {}
        for node in self.of(ast.Import, ast.ImportFrom):
            if isinstance(node, ast.Import):
                for it in node.names:
                    found[it.asname or it.name.partition(".")[0]] = (
                        it.name if it.asname else it.name.partition(".")[0]
                    )
            else:
                module = "." * node.level + (node.module or "")
                for it in node.names:
                    found[it.asname or it.name] = f"{module}.{it.name}"
        return found

    def called(self, call: ast.Call) -> str:
        """What a call calls, by its own name: `requests.get` whatever it was imported as."""
        name = dotted(call.func)
        first, dot, rest = name.partition(".")
        return f"{self.imported.get(first, first)}{dot}{rest}"

    def function(self, node: ast.AST) -> ast.AST | None:
        """The innermost function around; None at the top of the module."""
        parent = self.parents.get(node)
        while parent is not None:
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                return parent
            parent = self.parents.get(parent)
        return None

    def is_guarded(self, node: ast.AST) -> bool:
        """Whether it runs only where a person asked for development or for what is unsafe."""
        for _ in range(200):
            parent = self.parents.get(node)
            if parent is None:
                return False
            if isinstance(parent, ast.If | ast.IfExp) and node is not parent.test:
                # `else` of a debug switch is production, and so is `if not debug`.
                negated = isinstance(parent.test, ast.UnaryOp)
                first = parent.body if isinstance(parent.body, list) else [parent.body]
                if is_switched(parent.test) and (node in first) is not negated:
                    return True
            node = parent
        return False

    def outcomes(self, node: ast.expr | None, variable: str = "") -> list[Outcome]:
        """What the expression can be, as far as it is written in this module."""
        found: list[Outcome] = []
        waiting: list[tuple[ast.AST, str]] = [(node, variable)] if node is not None else []
        seen: set[tuple[int, str]] = set()
        while waiting and len(found) < _MOST:
            here, name = waiting.pop()
            if (id(here), name) in seen:  # names may stand for one another
                continue
            seen.add((id(here), name))
            if isinstance(here, ast.Constant):
                found.append(Outcome(here.value, here.lineno, name))
            else:
                waiting.extend(reversed(list(self._further(here, name))))
        return found

    def _further(self, node: ast.AST, variable: str) -> Iterator[tuple[ast.AST, str]]:
        """The expressions whose value this one takes over, and the variable that decides."""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            yield from ((it, variable) for it in node.elts)
        elif isinstance(node, ast.Starred | ast.Await | ast.Expr):
            yield node.value, variable
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            yield node.generators[0].iter, variable
        elif isinstance(node, ast.BoolOp):
            reads = [name for it in node.values for name in self._reads(it)]
            yield from ((it, variable or (reads[0] if reads else "")) for it in node.values)
        elif isinstance(node, ast.IfExp):
            if not is_switched(node.test):
                yield from ((it, variable) for it in (node.body, node.orelse))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr):
            yield from ((it, variable) for it in (node.left, node.right))
        elif isinstance(node, ast.Call):
            yield from self._of_call(node, variable)
        elif isinstance(node, ast.Name):
            yield from self._of_name(node.id, variable)
        elif isinstance(node, ast.Attribute):
            yield from self._of_name(node.attr, variable)

    def _of_name(self, name: str, variable: str) -> Iterator[tuple[ast.AST, str]]:
        for value in self.bound.get(name, ()):
            if not self.is_guarded(value):
                yield value, variable
        if name in self.functions and name not in self.bound:
            yield from self._returned(name, variable)

    def _returned(self, name: str, variable: str) -> Iterator[tuple[ast.AST, str]]:
        for node in every(self.functions[name]):
            if isinstance(node, ast.Return) and node.value and not self.is_guarded(node):
                yield node.value, variable

    def _of_call(self, call: ast.Call, variable: str) -> Iterator[tuple[ast.AST, str]]:
        name = self.read(call)
        last = dotted(call.func).rpartition(".")[2] or (
            call.func.attr if isinstance(call.func, ast.Attribute) else ""
        )
        default = keyword(call, "default", "default_factory")
        if name:
            given = default.value if default else call.args[1] if len(call.args) > 1 else None
            if given is not None:
                yield given, name
        elif last in _ON_ITSELF and isinstance(call.func, ast.Attribute):
            yield call.func.value, variable
        elif last == "Field":
            given = default.value if default else call.args[0] if call.args else None
            if given is not None:
                yield given.body if isinstance(given, ast.Lambda) else given, variable
        elif last in _HANDING_ON:
            yield from ((it, variable) for it in call.args)
        elif isinstance(call.func, ast.Name) and call.func.id in self.functions:
            yield from self._returned(call.func.id, variable)

    def read(self, node: ast.AST) -> str:
        """The variable of the environment that an expression reads; "" for none."""
        if isinstance(node, ast.Subscript):
            is_environ = dotted(node.value).rpartition(".")[2] == "environ"
            return _text(node.slice) if is_environ else ""
        if not isinstance(node, ast.Call) or not node.args:
            return ""
        *owner, last = dotted(node.func).split(".")
        name = _text(node.args[0])
        if last not in _READERS or not name.isupper():
            return ""
        if last in ("get", "str", "list", "bool"):
            is_environ = owner[-1:] == ["environ"] or (last != "get" and owner[-1:] == ["env"])
            return name if is_environ else ""
        return name

    def _reads(self, node: ast.AST) -> list[str]:
        return [name for it in every(node) if (name := self.read(it))]


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _target(node: ast.AST) -> str:
    """The name that an assignment binds: that of an attribute for `self.x = ...`."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
