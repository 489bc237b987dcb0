"""One walk over a syntax tree, which every part of the facts looks on at."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from typing import NamedTuple, cast

from pipelines.audit.model.python.trees import LEAVES, children

_FUNCTIONS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda})
_CATCHING = frozenset({ast.Try, ast.With})
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Seen(NamedTuple):
    """A node, and under which circumstances it would run when the module is imported."""

    node: ast.AST
    is_optional: bool  # in a function, under a condition, or where an ImportError is caught
    is_main: bool  # only when the module is the program
    in_function: bool


# A node with what of `Seen` holds for it: a tuple, as there are tens of thousands in a file.
_Waiting = tuple[ast.AST, bool, bool, bool]


def walk(tree: ast.Module, wanted: Container[type[ast.AST]]) -> Iterator[Seen]:
    """The nodes of these types in the order of the source, however deep the tree is.

    Names, constants and the like are most of a tree, and never come by themselves: whoever wants
    them looks at what they are in.
    """
    waiting: list[_Waiting] = [(tree, False, False, False)]
    while waiting:
        node, optional, main, within = waiting.pop()
        kind = type(node)
        if kind in wanted:
            yield Seen(node, optional, main, within)
        if kind is ast.If:
            node = cast("ast.If", node)
            waiting.extend(reversed(_branches(node, optional, main, within)))
            continue
        if kind in _FUNCTIONS:
            optional, main, within = True, False, True
        elif kind in _CATCHING and _catches(cast("ast.Try | ast.With", node)):
            optional, main = True, False
        below = [(it, optional, main, within) for it in children(node, LEAVES)]
        below.reverse()
        waiting += below


def _branches(node: ast.If, optional: bool, main: bool, within: bool) -> list[_Waiting]:
    is_main = _is_main(node.test)
    return [
        (node.test, optional, main, within),
        *((it, True, is_main, within) for it in node.body),
        *((it, True, False, within) for it in node.orelse),
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
