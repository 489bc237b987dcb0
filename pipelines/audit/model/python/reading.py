"""Parses one module, and gathers its facts in one walk."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from typing import cast

from pipelines.audit.model.python import environment, serving
from pipelines.audit.model.python.facts import App, Import, Metric, Module, Read, Route
from pipelines.audit.model.python.values import dotted, folder
from pipelines.audit.model.python.walk import Seen, walk
from pipelines.audit.place import Place

_METRICS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
# Instruments of OpenTelemetry that somebody has to move; the observable ones ask a callback.
_INSTRUMENTS = {
    "create_counter": "Counter",
    "create_up_down_counter": "UpDownCounter",
    "create_histogram": "Histogram",
    "create_gauge": "Gauge",
}
_LONGEST = 500_000  # characters of a source
_MOST_FOLDERS = 30  # that one module puts on the path; people put two
# Django's settings that name modules, which it imports when it starts.
_NAMING = ("ROOT_URLCONF", "INSTALLED_APPS", "LOCAL_APPS", "MIDDLEWARE")
_MEASURES = ("prometheus_client", "aioprometheus", "prometheus_async")


def parse(text: str) -> ast.Module:
    """The tree. Raises `SyntaxError` for whatever Python cannot read, or nobody has written."""
    if len(text) > _LONGEST:
        raise SyntaxError(f"longer than {_LONGEST:,} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "it cannot be read") from error


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What names are bound to at the top of the module, where that happens once."""
    found: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.expr):
                twice.update({target.id} & found.keys())
                found[target.id] = value
    return {name: value for name, value in found.items() if name not in twice}


def facts(file: str, tree: ast.Module) -> Module:
    """What is kept of a module."""
    reader = _Reader(file, constants(tree))
    for seen in walk(tree, _LOOKS):
        reader.look(seen)
    return reader.module()


class _Reader:
    """Collects facts, node by node."""

    def __init__(self, file: str, known: Mapping[str, ast.expr]) -> None:
        self.file = file
        self.known = known
        self.imports: list[Import] = []
        self.routes: list[Route] = []
        self.reads: list[Read] = []
        self.metrics: list[Metric] = []
        self.apps: list[App] = []
        self.calls: dict[str, Place] = {}
        self.path: list[str] = []
        self.runs: list[str] = []
        self.names: list[str] = []
        self.prefixes: dict[str, str] = {}
        self.measures: set[str] = set()  # names imported from a library of metrics

    def module(self) -> Module:
        """The facts so far."""
        return Module(
            self.file,
            tuple(self.imports),
            tuple(self.routes),
            tuple(dict.fromkeys(self.reads)),
            tuple(self.metrics),
            tuple(self.apps),
            self.calls,
            tuple(dict.fromkeys(self.path))[:_MOST_FOLDERS],
            tuple(dict.fromkeys(self.runs)),
            tuple(dict.fromkeys(self.names)),
        )

    def look(self, seen: Seen) -> None:
        look = _LOOKS.get(type(seen.node))
        if look is not None:
            look(self, seen)

    def look_at_call(self, seen: Seen) -> None:
        self._call(cast("ast.Call", seen.node))

    def look_at_import(self, seen: Seen) -> None:
        self._import(cast("ast.Import | ast.ImportFrom", seen.node), seen)

    def look_at_binding(self, seen: Seen) -> None:
        self._binding(cast("ast.Assign | ast.AnnAssign", seen.node))

    def look_at_function(self, seen: Seen) -> None:
        node = cast("ast.FunctionDef | ast.AsyncFunctionDef", seen.node)
        self.routes.extend(serving.decorated(node, self.file, self.known, self.prefixes))

    def look_at_class(self, seen: Seen) -> None:
        node = cast("ast.ClassDef", seen.node)
        self.reads.extend(environment.settings(node, self.file, self.known))

    def look_at_read(self, seen: Seen) -> None:
        node = cast("ast.Subscript | ast.Compare | ast.BoolOp", seen.node)
        self.reads.extend(environment.read(node, self.file, self.known))

    def _import(self, node: ast.Import | ast.ImportFrom, seen: Seen) -> None:
        place = Place(self.file, node.lineno)
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.imports.append(Import(alias.name, (), place, seen.is_optional, seen.is_main))
            return
        module = "." * node.level + (node.module or "")
        names = tuple(alias.name for alias in node.names)
        self.imports.append(Import(module, names, place, seen.is_optional, seen.is_main))
        if module.partition(".")[0] in _MEASURES:
            self.measures.update(alias.asname or alias.name for alias in node.names)

    def _call(self, node: ast.Call) -> None:
        name = dotted(node.func)
        if not name:
            return
        self.calls.setdefault(name, Place(self.file, node.lineno))
        last = name.rpartition(".")[2]
        self.reads.extend(environment.read(node, self.file, self.known))
        self.routes.extend(serving.added(node, name, self.file, self.known, self.prefixes))
        if name in ("sys.path.insert", "sys.path.append", "sys.path.extend"):
            self._extends_path(node)
        elif name == "include" and node.args:
            self.names.extend(_texts(node.args[0]))
        elif last in ("run", "serve") and node.args:
            self._runs(node.args[0])
        elif last == "setdefault" and len(node.args) == 2:
            key = node.args[0]
            if isinstance(key, ast.Constant) and key.value == "DJANGO_SETTINGS_MODULE":
                self._runs(node.args[1])

    def _runs(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.runs.append(node.value)

    def _extends_path(self, node: ast.Call) -> None:
        for argument in node.args:
            parts = argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument]
            for part in parts:
                found = folder(part, self.known)
                if found:
                    self.path.append(found)

    def _binding(self, node: ast.Assign | ast.AnnAssign) -> None:
        value = node.value
        named = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(named, ast.Name) and named.id in _NAMING and value is not None:
            self.names.extend(_texts(value))
        if not isinstance(value, ast.Call):
            return
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        variable = dotted(target).rpartition(".")[2]
        name = dotted(value.func)
        if not variable or not name:
            return
        place = Place(self.file, node.lineno)
        framework = serving.framework(name)
        if framework:
            self.apps.append(App(variable, framework, place))
        prefix = serving.prefix(value, self.known)
        if prefix:
            self.prefixes[variable] = prefix
        self._metric(variable, name, value, place)

    def _metric(self, variable: str, name: str, value: ast.Call, place: Place) -> None:
        owner, _, last = name.rpartition(".")
        first = value.args[0] if value.args else None
        label = first.value if isinstance(first, ast.Constant) else ""
        if last in _INSTRUMENTS:
            self.metrics.append(Metric(variable, str(label), _INSTRUMENTS[last], place))
        elif last in _METRICS and (owner in (*_MEASURES, "prom") or name in self.measures):
            self.metrics.append(Metric(variable, str(label), last, place))


def _texts(node: ast.expr) -> list[str]:
    """A literal text, or those of a literal list."""
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return [it.value for it in parts if isinstance(it, ast.Constant) and isinstance(it.value, str)]


# By type: a chain of `isinstance` would take longer than all that they lead to.
_LOOKS: dict[type[ast.AST], Callable[[_Reader, Seen], None]] = {
    ast.Call: _Reader.look_at_call,
    ast.Import: _Reader.look_at_import,
    ast.ImportFrom: _Reader.look_at_import,
    ast.Assign: _Reader.look_at_binding,
    ast.AnnAssign: _Reader.look_at_binding,
    ast.FunctionDef: _Reader.look_at_function,
    ast.AsyncFunctionDef: _Reader.look_at_function,
    ast.ClassDef: _Reader.look_at_class,
    ast.Subscript: _Reader.look_at_read,
    ast.Compare: _Reader.look_at_read,
    ast.BoolOp: _Reader.look_at_read,
}
