"""Cycles among things that need each other, told as a path with the lines."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping

from pipelines.errors import ConfigError, Where


def refuse_cycles(
    what: str, graph: Mapping[str, Iterable[str]], places: Mapping[str, Where]
) -> None:
    """Raise `ConfigError` when the graph (name: names it needs) has a cycle."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        cycle = list(reversed(error.args[1]))  # graphlib names what is needed first
        first = places[cycle[0]]
        path = " -> ".join(f"{name} ({_place(places[name], first)})" for name in cycle[:-1])
        raise ConfigError(
            f"{what} need each other in a cycle: {path} -> {cycle[-1]}",
            where=first,
            hint="remove one of these needs",
        ) from error


def _place(where: Where, first: Where) -> str:
    return str(where) if where.line is None or where.file != first.file else f"line {where.line}"
