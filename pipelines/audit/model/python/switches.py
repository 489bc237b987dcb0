"""Switches for debugging and reloading that a module has on unless somebody turns them off."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.audit.model.python import serving
from pipelines.audit.model.python.environment import read
from pipelines.audit.model.python.reading import constants
from pipelines.audit.model.python.values import dotted
from pipelines.audit.model.python.walk import Seen, walk
from pipelines.audit.place import Place

Known = Mapping[str, ast.expr]

_NAMES = ("debug", "reload", "use_reloader", "use_debugger", "auto_reload", "autoreload")
_TRUE = ("1", "true", "yes", "on", "t", "y")
_OTHER = re.compile("(?i)dev|test|local|debug")  # classes that are chosen on purpose
_LOOKED_AT = (ast.Call, ast.Assign, ast.ClassDef)
_RUNS = ("run", "run_app", "run_simple", "serve")


@dataclass(frozen=True)
class Switch:
    """`is_run` when it is an argument of what starts a server, such as `app.run(debug=True)`.

    `variable` is the variable of the environment that may turn it off, "" for none.
    """

    name: str
    text: str  # "app.run(debug=True)"
    place: Place
    is_run: bool = False
    is_main: bool = False
    variable: str = ""


def read_switches(tree: ast.Module, file: str) -> Iterator[Switch]:
    """Every switch that is on by default."""
    known = constants(tree)
    for seen in walk(tree, _LOOKED_AT):
        node = seen.node
        if isinstance(node, ast.Call):
            yield from _of_call(node, seen, file, known)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _of_target(target, node.value, seen, file, known)
        elif isinstance(node, ast.ClassDef):
            yield from _of_settings(node, file, known)


def _of_call(node: ast.Call, seen: Seen, file: str, known: Known) -> Iterator[Switch]:
    name = dotted(node.func)
    if name.endswith(".config.update"):
        for keyword in node.keywords:
            if keyword.arg == "DEBUG":
                yield from _switch("debug", f"{name}(DEBUG=", keyword.value, seen, file, known)
        return
    is_run = name.rpartition(".")[2] in _RUNS
    if not is_run and not serving.framework(name):
        return
    for keyword in node.keywords:
        if keyword.arg in _NAMES:
            yield from _switch(
                keyword.arg,
                f"{name}({keyword.arg}=",
                keyword.value,
                seen,
                file,
                known,
                is_run=is_run,
            )


def _of_target(
    target: ast.expr, value: ast.expr, seen: Seen, file: str, known: Known
) -> Iterator[Switch]:
    """`app.debug = True`, `app.config["DEBUG"] = True`, `DEBUG = True` of Django's settings."""
    if isinstance(target, ast.Subscript):
        key = target.slice
        if isinstance(key, ast.Constant) and key.value == "DEBUG":
            text = f'{dotted(target.value)}["DEBUG"] = '
            yield from _switch("debug", text, value, seen, file, known)
    elif isinstance(target, ast.Attribute) and target.attr == "debug":
        if isinstance(target.value, ast.Name) and target.value.id in ("app", "application"):
            yield from _switch("debug", "app.debug = ", value, seen, file, known)
    elif isinstance(target, ast.Name) and target.id == "DEBUG" and not seen.in_function:
        yield from _switch("debug", "DEBUG = ", value, seen, file, known)


def _of_settings(node: ast.ClassDef, file: str, known: Known) -> Iterator[Switch]:
    """`debug: bool = True` of a class of settings."""
    if not any(dotted(base).endswith("Settings") for base in node.bases):
        return
    if _OTHER.search(node.name):
        return
    for field in node.body:
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if field.target.id.lower() in ("debug", "reload") and _is_true(field.value):
            place = Place(file, field.lineno)
            name = field.target.id
            yield Switch(name.lower(), f"{name} = True", place, variable=name.upper())


def _switch(
    name: str,
    text: str,
    value: ast.expr,
    seen: Seen,
    file: str,
    known: Known,
    *,
    is_run: bool = False,
) -> Iterator[Switch]:
    place = Place(file, value.lineno)
    end = ")" if "(" in text else ""
    if isinstance(value, ast.Name) and value.id in known:
        value = known[value.id]
    if _is_true(value):
        yield Switch(name, f"{text}True{end}", place, is_run, seen.is_main)
        return
    for variable, default in _defaults(value, known):
        if _is_on(value, default):
            shown = f"{text}... on unless {variable} says otherwise{end}"
            yield Switch(name, shown, place, is_run, seen.is_main, variable)


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _defaults(value: ast.expr, known: Known) -> Iterator[tuple[str, str]]:
    """The variable that decides, and its default."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            for found in read(node, "", known):
                if found.default is not None:
                    yield found.name, found.default.lower()
                    return


def _is_on(value: ast.expr, default: str) -> bool:
    """Whether the expression is true with the default: a comparison is worked out, else it is."""
    if isinstance(value, ast.UnaryOp):
        return False
    if isinstance(value, ast.Compare) and len(value.ops) == 1:
        wanted = {
            str(part.value).lower()
            for part in ast.walk(value.comparators[0])
            if isinstance(part, ast.Constant)
        }
        if isinstance(value.ops[0], ast.Eq | ast.In):
            return default in wanted
        if isinstance(value.ops[0], ast.NotEq | ast.NotIn):
            return default not in wanted
        return False
    return default in _TRUE
