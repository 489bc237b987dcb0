"""One walk over a syntax tree, which every part of the facts looks on at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
# Of these nothing hangs; with them every value that is no node.
_LEAVES = frozenset(
    {ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.alias, ast.Pass, ast.Break}
    | {ast.Continue, ast.Global, ast.Nonlocal, ast.And, ast.Or, str, int, bool, float, type(None)}
    | set(ast.operator.__subclasses__())
    | set(ast.unaryop.__subclasses__())
    | set(ast.cmpop.__subclasses__())
)
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Seen(NamedTuple):
    """A node, and under which circumstances it would run when the module is imported."""

    node: ast.AST
    is_optional: bool  # in a function, under a condition, or where an ImportError is caught
    is_main: bool  # only when the module is the program
    in_function: bool


def walk(tree: ast.Module) -> Iterator[Seen]:
    """Every node that has others below it, in the order of the source, however deep the tree is.

    Names, constants and the like are most of a tree; whoever wants them looks at what they are in.
    """
    waiting: list[Seen] = [Seen(tree, is_optional=False, is_main=False, in_function=False)]
    while waiting:
        seen = waiting.pop()
        yield seen
        node, optional, main, within = seen
        if isinstance(node, ast.If):
            waiting.extend(reversed(_branches(node, seen)))
            continue
        if isinstance(node, _FUNCTIONS):
            optional, main, within = True, False, True
        elif isinstance(node, ast.Try | ast.With) and _catches(node):
            optional, main = True, False
        waiting.extend(Seen(child, optional, main, within) for child in reversed(_below(node)))


def _below(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [child for child in value if type(child) not in _LEAVES]
        elif value is not None and type(value) not in _LEAVES:
            found.append(value)
    return found


def _branches(node: ast.If, seen: Seen) -> list[Seen]:
    within = seen.in_function
    is_main = _is_main(node.test)
    return [
        Seen(node.test, seen.is_optional, seen.is_main, within),
        *(Seen(it, is_optional=True, is_main=is_main, in_function=within) for it in node.body),
        *(Seen(it, is_optional=True, is_main=False, in_function=within) for it in node.orelse),
    ]


def _is_main(test: ast.expr) -> bool:
    """`__name__ == "__main__"`."""
    if not isinstance(test, ast.Compare) or len(test.comparators) != 1:
        return False
    sides = (test.left, test.comparators[0])
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    texts = {side.value for side in sides if isinstance(side, ast.Constant)}
    return names == {"__name__"} and texts == {"__main__"} and isinstance(test.ops[0], ast.Eq)


def _catches(node: ast.Try | ast.With) -> bool:
    """Whether an ImportError inside is survived."""
    if isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items]
        return any(
            isinstance(call, ast.Call) and _last(call.func) == "suppress" and call.args
            for call in calls
        )
    return any(
        handler.type is None or bool(_CAUGHT & set(_names(handler.type)))
        for handler in node.handlers
    )


def _names(node: ast.expr) -> list[str]:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [_last(part) for part in parts]


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
