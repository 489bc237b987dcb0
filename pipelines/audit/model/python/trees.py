"""Ways through Python's syntax trees that take less time than those of `ast`."""

from __future__ import annotations

import ast

# What stands in the fields of nodes and is none, or one that only says what kind another is of.
_MARKS: frozenset[type] = frozenset(
    {str, bytes, int, bool, float, complex, type(None), type(...)}
    | {ast.Load, ast.Store, ast.Del, ast.And, ast.Or}
    | set(ast.operator.__subclasses__())
    | set(ast.unaryop.__subclasses__())
    | set(ast.cmpop.__subclasses__())
)
# Of these nothing hangs; with them most of a tree.
LEAVES = _MARKS | {ast.Name, ast.Constant, ast.alias, ast.Pass, ast.Break, ast.Continue}


def every(node: ast.AST) -> list[ast.AST]:
    """A node and all below it, in the order of `ast.walk`.

    Without those that only say of what kind another is: `ast.Load()`, `ast.Add()`.
    """
    nodes = [node]
    for it in nodes:  # which grows meanwhile
        if type(it) not in LEAVES:
            nodes += children(it)
    return nodes


def children(node: ast.AST, aside: frozenset[type] = _MARKS) -> list[ast.AST]:
    """What hangs on a node, in the order of the source; nothing of a type that is in `aside`."""
    found: list[ast.AST] = []
    for value in node.__dict__.values():  # the fields, then where it stands
        kind = type(value)
        if kind is list:
            found += [child for child in value if type(child) not in aside]
        elif kind not in aside:
            found.append(value)
    return found
