"""One walk over a syntax tree, which every part of the facts looks on at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Seen(NamedTuple):
    """A node, and under which circumstances it would run when the module is imported."""

    node: ast.AST
    is_optional: bool  # in a function, under a condition, or where an ImportError is caught
    is_main: bool  # only when the module is the program
    in_function: bool


def walk(tree: ast.Module) -> Iterator[Seen]:
    """Every node in the order of the source; without recursion, however deep the tree is."""
    waiting = [Seen(tree, is_optional=False, is_main=False, in_function=False)]
    while waiting:
        seen = waiting.pop()
        yield seen
        waiting.extend(reversed(list(_inside(seen))))


def _inside(seen: Seen) -> Iterator[Seen]:
    node, optional, main, within = seen
    if isinstance(node, ast.If):
        is_main = _is_main(node.test)
        yield Seen(node.test, optional, main, within)
        for part in node.body:
            yield Seen(part, is_optional=True, is_main=is_main, in_function=within)
        for part in node.orelse:
            yield Seen(part, is_optional=True, is_main=False, in_function=within)
        return
    if isinstance(node, _FUNCTIONS):
        for child in ast.iter_child_nodes(node):
            yield Seen(child, is_optional=True, is_main=False, in_function=True)
        return
    if isinstance(node, ast.Try | ast.With):
        optional = optional or _catches(node)
        main = main and not _catches(node)
    for child in ast.iter_child_nodes(node):
        yield Seen(child, optional, main, within)


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
