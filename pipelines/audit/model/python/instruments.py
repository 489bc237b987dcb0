"""Metrics that are declared and never updated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from pipelines.audit.model.python import Metric, Python
from pipelines.audit.model.python.expressions import Source
from pipelines.audit.model.roles import is_deployed

_UPDATES = frozenset(
    {"inc", "dec", "set", "observe", "labels", "time", "count_exceptions", "track_inprogress",
     "info", "state", "set_function", "set_to_current_time", "add", "record", "remove", "clear",
     "inc_by", "attributes"}
)  # fmt: skip


def untouched(python: Python) -> Iterator[Metric]:
    """The metrics that nothing updates, in no file that is no test."""
    declared = [
        metric
        for file in python.holding("prometheus", "opentelemetry", "create_counter")
        if is_deployed(file)
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
        if not is_deployed(file):
            continue
        here = set(pattern.findall(python.tracked.text(file) or "")) - found
        source = python.source(file) if here else None
        if source is not None:
            found |= _uses(source, here)
        elif here:
            found |= here  # a file that cannot be read may do anything
    return found


def _uses(source: Source, names: set[str]) -> set[str]:
    found: set[str] = set()
    for node in source.of(ast.Name, ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        is_read = name in names and isinstance(node.ctx, ast.Load)
        if is_read and _is_use(source.parents[node]):
            found.add(name)
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
