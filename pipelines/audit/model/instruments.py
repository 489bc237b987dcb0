"""Instruments that measure nothing: metrics that are never updated, helpers that nobody uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pipelines.audit.model.python import Application, Metric, Python
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_UPDATES = frozenset(
    {"inc", "dec", "set", "observe", "labels", "time", "count_exceptions", "track_inprogress",
     "info", "state", "set_function", "set_to_current_time", "add", "record", "remove", "clear",
     "inc_by", "attributes"}
)  # fmt: skip
_LIBRARIES = (
    "prometheus_client", "prometheus_fastapi_instrumentator", "prometheus_flask_exporter",
    "starlette_exporter", "opentelemetry", "structlog", "pythonjsonlogger", "statsd",
    "aioprometheus", "sentry_sdk",
)  # fmt: skip
_TELLING = re.compile("metric|instrument|telemetry|tracing|observ|prometheus|monitor|logg")
# Where a module is named without an import of it.
_NAMING = (".toml", ".cfg", ".ini", ".yml", ".yaml", ".json", ".sh", ".py", ".env", ".conf")
_NAMING_FILES = ("dockerfile", "makefile", "procfile", "justfile")
_PROGRAMS = ("manage.py", "setup.py", "conftest.py", "wsgi.py", "asgi.py", "gunicorn.conf.py")


def _is_ours(file: str) -> bool:
    return role(file) in (Role.PRODUCTION, Role.DEVELOPMENT, Role.EXAMPLE)


def untouched(python: Python) -> Iterator[Metric]:
    """The metrics that nothing updates, in no file that is no test."""
    declared = [
        metric
        for file in python.holding("prometheus", "opentelemetry", "create_counter")
        if _is_ours(file)
        for metric in python.module(file).metrics
    ]
    if not declared:
        return
    used = _used(python, declared)
    yield from (metric for metric in declared if metric.variable not in used)


def _used(python: Python, declared: Iterable[Metric]) -> set[str]:
    """The names that some file updates, or hands on."""
    names = {metric.variable for metric in declared}
    pattern = re.compile(rf"\b({'|'.join(re.escape(name) for name in sorted(names))})\b")
    found: set[str] = set()
    marks = ("prometheus", "opentelemetry", "create_counter", ".inc(", ".observe(", ".labels(")
    files = set(python.holding(*marks))
    for metric in declared:
        files.update(python.mentioning(metric.variable), python.importers(metric.place.file))
    for file in sorted(files):
        if not _is_ours(file):
            continue
        here = set(pattern.findall(python.tracked.text(file) or "")) - found
        tree = python.tree(file) if here else None
        if tree is not None:
            found |= _uses(tree, here)
        elif here:
            found |= here  # a file that cannot be read may do anything
    return found


def _uses(tree: ast.Module, names: set[str]) -> set[str]:
    found: set[str] = set()
    waiting: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while waiting:
        node, parent = waiting.pop()
        name = ""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            name = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = node.attr
        if name in names and _is_use(parent):
            found.add(name)
        waiting.extend((child, node) for child in ast.iter_child_nodes(node))
    return found


def _is_use(parent: ast.AST) -> bool:
    """Whether what stands around a metric updates it, or hands it on.

    To ask whether it is there (`if METRIC`, `METRIC is not None`) is neither.
    """
    if isinstance(parent, ast.Attribute):
        return parent.attr in _UPDATES
    return not isinstance(
        parent, ast.If | ast.IfExp | ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Expr | ast.Assert
    )


@dataclass(frozen=True)
class Helper:
    """A module for instrumentation that has no effect, and why."""

    place: Place
    message: str
    importers: tuple[Place, ...] = ()


def dead_helpers(
    python: Python,
    tracked: Tracked,
    applications: Iterable[Application],
    modules: Callable[[Application], tuple[str, ...]],
) -> Iterator[Helper]:
    """The helpers that nothing imports, or only what runs in images without them."""
    candidates = _candidates(python)
    if not candidates:
        return
    reached: dict[str, Application] = {}
    for application in applications:
        for file in modules(application):
            reached.setdefault(file, application)
    for file in candidates:
        if file in reached or not _is_helper(python, file):
            continue
        importers = list(_importers(python, file))
        places = tuple(place for place, _ in importers)
        name = _name(file)
        if not importers:
            if not _is_named(tracked, file, name):
                yield Helper(Place(file), f"{name} is imported by nothing")
        elif all(importer in reached for _, importer in importers):
            where = sorted({_where(reached[importer]) for _, importer in importers})
            message = f"{name} is not in the image of {', '.join(where)}, which imports it"
            yield Helper(Place(file), message, places)


def _where(application: Application) -> str:
    return application.service or application.module


def _candidates(python: Python) -> list[str]:
    """The files that may be helpers by their name, or by what their text shows."""
    return [
        file
        for file in python.files
        if _TELLING.search(file.rpartition("/")[2].lower())
        or "prometheus" in python.sketch(file).marks
        if _is_ours(file) and not file.endswith((*_PROGRAMS, "__init__.py"))
    ]


def _is_helper(python: Python, file: str) -> bool:
    """Whether a module sets up instrumentation for others and is no program itself."""
    if not any(it.top in _LIBRARIES for it in python.sketch(file).imports):
        return False
    module = python.module(file)
    if module.apps or "__main__" in (python.tracked.text(file) or ""):
        return False
    if not any(it.top in _LIBRARIES and not it.is_optional for it in module.imports):
        return False
    return bool(module.metrics) or _TELLING.search(_name(file).lower()) is not None


def _name(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".py")


def _importers(python: Python, file: str) -> Iterator[tuple[Place, str]]:
    """The files that import a module by its name, tests left out."""
    name = _name(file)
    for other in python.importers(file):
        if not _is_ours(other):
            continue
        module = python.module(other)
        if module.is_broken:
            yield Place(other), other
        for imported in module.imports:
            if name in (*imported.module.split("."), *imported.names):
                yield imported.place, other
                break


def _is_named(tracked: Tracked, file: str, name: str) -> bool:
    """Whether something that is no document names a module: as a plug-in, or to start it."""
    word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    for path in tracked.paths:
        last = path.rpartition("/")[2].lower()
        if path == file or not (last.endswith(_NAMING) or last.startswith(_NAMING_FILES)):
            continue
        if not _is_ours(path):
            continue
        data = tracked.bytes(path)
        if data is not None and name.encode() in data and word.search(tracked.text(path) or ""):
            return True
    return False
