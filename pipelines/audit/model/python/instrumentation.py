"""Helpers for metrics, traces and logs that have no effect: nothing imports them where it runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pipelines.audit.model.python import Application, Import, Python
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_LIBRARIES = (
    "prometheus_client", "prometheus_fastapi_instrumentator", "prometheus_flask_exporter",
    "starlette_exporter", "opentelemetry", "structlog", "pythonjsonlogger", "statsd",
    "aioprometheus", "sentry_sdk",
)  # fmt: skip
_TELLING = re.compile("metric|instrument|telemetry|tracing|observ|prometheus|monitor|logg")
# With these marks a module of such a name instruments by itself, without a library.
_BY_ITSELF = re.compile("metric|instrument|telemetry|tracing")
_MARKS = frozenset({"prometheus", "Prometheus", "opentelemetry"})
# Where a module is named without an import of it.
_NAMING = (".toml", ".cfg", ".ini", ".yml", ".yaml", ".json", ".sh", ".py", ".env", ".conf")
_NAMING_FILES = ("dockerfile", "makefile", "procfile", "justfile")
_PROGRAMS = ("manage.py", "setup.py", "conftest.py", "wsgi.py", "asgi.py", "gunicorn.conf.py")


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
            if not _is_named(tracked, file):
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
        if _TELLING.search(_name(file).lower()) or "prometheus" in python.sketch(file).marks
        if is_deployed(file) and not file.endswith((*_PROGRAMS, "__init__.py"))
    ]


def _is_helper(python: Python, file: str) -> bool:
    """Whether a module sets up instrumentation for others and is no program itself."""
    sketch, name = python.sketch(file), _name(file).lower()
    uses_library = any(it.top in _LIBRARIES for it in sketch.imports)
    by_itself = _BY_ITSELF.search(name) is not None and bool(sketch.marks & _MARKS)
    if not uses_library and not by_itself:
        return False
    module = python.module(file)
    if module.is_broken or module.apps or "__main__" in (python.tracked.text(file) or ""):
        return False
    return bool(module.metrics) or _TELLING.search(name) is not None


def _name(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".py")


def _importers(python: Python, file: str) -> Iterator[tuple[Place, str]]:
    """The files that import a module, tests left out."""
    for other in python.importers(file):
        if not is_deployed(other):
            continue
        module = python.module(other)
        if module.is_broken:
            yield Place(other), other
        for imported in module.imports:
            if _means(imported, file):
                yield imported.place, other
                break


def _means(imported: Import, file: str) -> bool:
    """Whether an import may be of that file, wherever Python looks."""
    wanted = file.removesuffix(".py")
    inner = imported.module.lstrip(".").replace(".", "/")
    names = [inner, *(posixpath.join(inner, name) for name in imported.names)]
    dots = len(imported.module) - len(imported.module.lstrip("."))
    if not dots:
        return any(name and f"/{wanted}".endswith(f"/{name}") for name in names)
    folder = posixpath.dirname(imported.place.file)
    for _ in range(dots - 1):
        folder = posixpath.dirname(folder)
    return any(posixpath.join(folder, name) == wanted for name in names)


def _is_named(tracked: Tracked, file: str) -> bool:
    """Whether something that is no document names a module: as a plug-in, or to start it.

    A name that is one common word counts with its folder only: `metrics` stands everywhere.
    """
    name, parent = _name(file), posixpath.basename(posixpath.dirname(file))
    start = rf"{re.escape(parent)}[./]" if parent and "_" not in name else r"(?<![\w-])"
    word = re.compile(rf"{start}{re.escape(name)}(?![\w-])")
    for path in tracked.paths:
        last = path.rpartition("/")[2].lower()
        if path == file or not (last.endswith(_NAMING) or last.startswith(_NAMING_FILES)):
            continue
        if not is_deployed(path):
            continue
        data = tracked.bytes(path)
        if data is not None and name.encode() in data and word.search(tracked.text(path) or ""):
            return True
    return False
