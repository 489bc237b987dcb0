"""What expressions are worth when it can be told without running them."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Mapping

_DEEPEST = 20  # nested expressions that are followed


def dotted(node: ast.expr) -> str:
    """`a.b.c` as written, a call in it as its function; "" for what is no such name."""
    parts: list[str] = []
    for _ in range(_DEEPEST):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            return ".".join(reversed(parts))
        else:
            break
    return ""


def text(node: ast.expr | None, constants: Mapping[str, ast.expr], depth: int = 0) -> str | None:
    """A text, with `{}` for the parts that are not written there; None for what is no text."""
    if node is None or depth > _DEEPEST:
        return None
    if isinstance(node, ast.Constant):
        return _literal(node.value)
    if isinstance(node, ast.Name) and node.id in constants:
        return text(constants[node.id], constants, depth + 1)
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part, constants, depth + 1) or "{}" for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return text(node.value, constants, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [text(side, constants, depth + 1) for side in (node.left, node.right)]
        return None if parts == [None, None] else "".join(part or "{}" for part in parts)
    return None


def _literal(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    return None


def folder(node: ast.expr, constants: Mapping[str, ast.expr], depth: int = 0) -> str | None:
    """The folder or file that an expression names, relative to the folder of its own file.

    `Path(__file__).parent.parent` is ".."; an absolute text stays absolute; None when it cannot be
    told.
    """
    if depth > _DEEPEST:
        return None
    if isinstance(node, ast.Name):
        if node.id == "__file__":
            return "__file__"
        value = constants.get(node.id)
        return None if value is None else folder(value, constants, depth + 1)
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        return _above(folder(node.value, constants, depth + 1))
    if isinstance(node, ast.Subscript):
        return _ancestor(node, constants, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [folder(side, constants, depth + 1) for side in (node.left, node.right)]
        return _joined(parts)
    return _called(node, constants, depth) if isinstance(node, ast.Call) else None


_SAME = {
    "str", "Path", "PurePath", "abspath", "realpath", "normpath", "resolve", "absolute",
    "expanduser", "fspath", "as_posix", "__str__",
}  # fmt: skip


def _called(node: ast.Call, constants: Mapping[str, ast.expr], depth: int) -> str | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)
    if name in ("getcwd", "cwd"):
        return None
    if name == "dirname" and node.args:
        return _above(folder(node.args[0], constants, depth + 1))
    if name in ("join", "joinpath") or (name in _SAME and len(node.args) > 1):
        parts = [folder(part, constants, depth + 1) for part in node.args]
        if name == "joinpath" and isinstance(node.func, ast.Attribute):
            parts.insert(0, folder(node.func.value, constants, depth + 1))
        return _joined(parts)
    if name in _SAME and node.args:
        return folder(node.args[0], constants, depth + 1)
    if name in _SAME and isinstance(node.func, ast.Attribute):
        return folder(node.func.value, constants, depth + 1)
    return None


def _ancestor(node: ast.Subscript, constants: Mapping[str, ast.expr], depth: int) -> str | None:
    """`path.parents[2]`."""
    value, index = node.value, node.slice
    if not (isinstance(value, ast.Attribute) and value.attr == "parents"):
        return None
    if not (isinstance(index, ast.Constant) and isinstance(index.value, int)):
        return None
    found = folder(value.value, constants, depth + 1)
    for _ in range(min(index.value, _DEEPEST) + 1):
        found = _above(found)
    return found


def _above(path: str | None) -> str | None:
    if path is None:
        return None
    if path == "__file__":
        return "."
    return posixpath.normpath(posixpath.join(path, ".."))


def _joined(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return posixpath.normpath(posixpath.join(*known)) if known and None not in parts else None
