"""Values that the application itself refuses: with one of them it does not start."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from pipelines.audit.model.python.expressions import Source
from pipelines.audit.model.python.trees import every
from pipelines.audit.model.secrets.credentials import Kind, is_secret_name, kind

# `if (secret === "changeme") throw ...`, within a few lines.
_THROWN = re.compile(
    r"(?:[!=]==?\s*|includes\(\s*|has\(\s*|case\s+)[\"'`]([^\"'`\n]{3,100})[\"'`][^;]{0,300}?"
    r"(?:throw\b|process\.exit|refine|superRefine)"
)
_LISTED = re.compile(
    r"(?i)(?:insecure|default|weak|forbidden|unsafe|known|bad)\w{0,40}\s{0,9}=\s{0,9}[^\n]{0,300}"
)
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]{3,100})[\"'`]")
_SHELL = re.compile(
    r"\[\[?\s*\"?\$\{?\w{1,80}[^\]]{0,40}?\s==?\s*[\"']?([^\"'\s\]]{3,100})[\"']?\s*\]\]?"
    r"[^\n]{0,80}(?:\n[^\n]{0,200}){0,4}?\bexit\s+[1-9]"
)
_LEAVES = frozenset({"exit", "_exit", "abort", "die", "fail", "fatal", "critical"})


def in_python(source: Source) -> Iterator[str]:
    """The texts with which a module raises: `if secret in ("changeme", "dev"): raise ...`."""
    constants = {
        target.id: node.value
        for node in source.of(ast.Assign)
        if isinstance(node.value, ast.Constant | ast.Set | ast.List | ast.Tuple | ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in source.of(ast.If):
        if _leaves(node.body):
            for test in every(node.test):
                if isinstance(test, ast.Compare | ast.Call):
                    yield from _compared(test, constants)


def _compared(test: ast.Compare | ast.Call, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    if isinstance(test, ast.Compare):
        if not all(isinstance(it, ast.Eq | ast.In) for it in test.ops):
            return
        sides = [test.left, *test.comparators]
    elif _last(test.func) in ("startswith", "endswith"):
        sides = [test.func, *test.args]
    else:
        return
    is_secret = any(is_secret_name(_last(it)) for side in sides for it in every(side))
    for side in sides:
        named = constants.get(_last(side), side)
        for text in _texts(named):
            # "admin" is a role as well; what says that it must be changed is nothing else.
            if is_secret or kind(text) is not Kind.WORKING:
                yield text


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _leaves(body: list[ast.stmt]) -> bool:
    """Whether what follows ends the program."""
    for statement in body:
        for node in every(statement):
            if isinstance(node, ast.Raise):
                return True
            if isinstance(node, ast.Call) and _last(node.func) in _LEAVES:
                return True
    return False


def _texts(node: ast.expr) -> Iterator[str]:
    """A text, or the texts of a list; of a call only `frozenset({...})` and its like."""
    if isinstance(node, ast.Call) and _last(node.func) in ("set", "frozenset", "tuple", "list"):
        for argument in node.args:
            yield from _texts(argument)
    for it in getattr(node, "elts", [node]):
        if isinstance(it, ast.Constant) and isinstance(it.value, str):
            yield it.value


def in_javascript(text: str) -> Iterator[str]:
    """The same in JavaScript, as far as it stands close together."""
    yield from _THROWN.findall(text)
    if "throw" in text or "process.exit" in text:
        for listed in _LISTED.findall(text):
            yield from _QUOTED.findall(listed)


def in_shell(text: str) -> Iterator[str]:
    """The same in an entrypoint script."""
    yield from _SHELL.findall(text)
