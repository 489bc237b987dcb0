"""Places a graph's nodes in columns so that nothing overlaps and few edges cross.

The method is Sugiyama's: layers by longest paths, a waypoint wherever an edge passes a column, an
order by barycentres, then heights as near to the neighbours' as that order allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

SWEEPS = 8  # there and back; more hardly move anything
_ROW_GAP = 14.0  # px between what stands in one column


class Edge(NamedTuple):
    """From what is needed to what needs it."""

    start: str
    end: str


class Size(NamedTuple):
    """Of a node, in px."""

    width: float
    height: float


class Box(NamedTuple):
    """Where a node stands, in px from the top left. All in one column are equally wide."""

    left: float
    middle: float
    width: float
    height: float


class Point(NamedTuple):
    """A place in the drawing, in px from the top left."""

    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """Where everything is.

    A route leads from its start's right edge to its end's left edge. Its points come in pairs:
    between columns it bends from the first to the second, from there it runs level to the next.
    """

    size: Size
    boxes: Mapping[str, Box]
    routes: Mapping[Edge, Sequence[tuple[Point, Point]]]


class _Waypoint(NamedTuple):
    """Where an edge passes a column that holds neither of its ends."""

    edge: Edge
    layer: int


_Slot = str | _Waypoint
_Neighbours = Mapping[_Slot, Sequence[_Slot]]


def arrange(sizes: Mapping[str, Size], edges: Sequence[Edge], *, gap: float) -> Drawing:
    """Place nodes in columns `gap` px apart, what is needed left of what needs it.

    Raises `graphlib.CycleError`.
    """
    layers = _layers(sizes, edges)
    paths = {edge: _path(edge, layers) for edge in edges}
    columns = _columns(layers, paths.values())
    before, after = _neighbours(paths.values())
    _order(columns, before, after)
    middles = _middles(columns, sizes, before, after)
    widths = [max(sizes[it].width for it in column if isinstance(it, str)) for column in columns]
    lefts = [0.0, *accumulate(width + gap for width in widths)]
    boxes = {
        key: Box(lefts[layer], middles[key], widths[layer], sizes[key].height)
        for key, layer in layers.items()
    }
    routes = {
        edge: [
            (
                Point(lefts[layer] + widths[layer], middles[one]),
                Point(lefts[layer + 1], middles[other]),
            )
            for layer, (one, other) in enumerate(pairwise(path), start=layers[edge.start])
        ]
        for edge, path in paths.items()
    }
    bottom = max((box.middle + box.height / 2 for box in boxes.values()), default=0.0)
    lowest = max(chain((bottom,), middles.values()))
    return Drawing(Size(max(lefts[-1] - gap, 0.0), lowest), boxes, routes)


def _layers(nodes: Iterable[str], edges: Sequence[Edge]) -> dict[str, int]:
    """For each node how many others, one after the other, it has to wait for."""
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(nodes, ()))
    for edge in edges:
        sorter.add(edge.end, edge.start)
    sorter.prepare()
    layers: dict[str, int] = {}
    layer = 0
    while sorter:
        ready = sorter.get_ready()
        layers.update(dict.fromkeys(ready, layer))
        sorter.done(*ready)
        layer += 1
    return layers


def _path(edge: Edge, layers: Mapping[str, int]) -> list[_Slot]:
    between = range(layers[edge.start] + 1, layers[edge.end])
    return [edge.start, *(_Waypoint(edge, layer) for layer in between), edge.end]


def _columns(layers: Mapping[str, int], paths: Iterable[Sequence[_Slot]]) -> list[list[_Slot]]:
    columns: list[list[_Slot]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for node, layer in layers.items():
        columns[layer].append(node)
    for slot in chain.from_iterable(paths):
        if isinstance(slot, _Waypoint):
            columns[slot.layer].append(slot)
    return columns


def _neighbours(paths: Iterable[Sequence[_Slot]]) -> tuple[_Neighbours, _Neighbours]:
    before: defaultdict[_Slot, list[_Slot]] = defaultdict(list)
    after: defaultdict[_Slot, list[_Slot]] = defaultdict(list)
    for one, other in chain.from_iterable(map(pairwise, paths)):
        before[other].append(one)
        after[one].append(other)
    return before, after


def _order(columns: Sequence[list[_Slot]], before: _Neighbours, after: _Neighbours) -> None:
    """Put each column into the order of its neighbours' mean ranks, so that few edges cross."""
    ranks = {slot: float(rank) for column in columns for rank, slot in enumerate(column)}
    for column, neighbours in _sweeps(columns, before, after):
        means = {slot: _mean(slot, neighbours, ranks) for slot in column}
        column.sort(key=means.__getitem__)
        ranks.update((slot, float(rank)) for rank, slot in enumerate(column))


def _middles(
    columns: Sequence[list[_Slot]],
    sizes: Mapping[str, Size],
    before: _Neighbours,
    after: _Neighbours,
) -> dict[_Slot, float]:
    """How far down each slot's middle is: near its neighbours, the column's order kept."""

    def height(slot: _Slot) -> float:
        return sizes[slot].height if isinstance(slot, str) else 0.0

    offsets: dict[_Slot, float] = {}
    for column in columns:
        steps = ((height(a) + height(b)) / 2 + _ROW_GAP for a, b in pairwise(column))
        offsets.update(zip(column, accumulate(steps, initial=0.0), strict=True))
    middles = dict(offsets)
    for column, neighbours in _sweeps(columns, before, after):
        wished = [_mean(slot, neighbours, middles) - offsets[slot] for slot in column]
        for slot, middle in zip(column, _rising(wished), strict=True):
            middles[slot] = middle + offsets[slot]
    top = min((middles[slot] - height(slot) / 2 for slot in middles), default=0.0)
    return {slot: middle - top for slot, middle in middles.items()}


def _sweeps(
    columns: Sequence[list[_Slot]], before: _Neighbours, after: _Neighbours
) -> Iterable[tuple[list[_Slot], _Neighbours]]:
    """The columns from left to right and back, each with the neighbours that were just placed."""
    for _ in range(SWEEPS):
        yield from ((column, before) for column in columns[1:])
        yield from ((column, after) for column in columns[-2::-1])


def _mean(slot: _Slot, neighbours: _Neighbours, values: Mapping[_Slot, float]) -> float:
    """The neighbours' mean value; its own for a slot that has none on this side."""
    those = neighbours.get(slot)
    return sum(values[it] for it in those) / len(those) if those else values[slot]


def _rising(values: Iterable[float]) -> list[float]:
    """The nearest values, by least squares, of which none is less than the one before it.

    Known as isotonic regression; this is its pool-adjacent-violators algorithm.

    >>> _rising([1.0, 3.0, 2.0, 5.0])
    [1.0, 2.5, 2.5, 5.0]
    """
    pools: list[tuple[float, int]] = []  # sum, count
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] * count > total * pools[-1][1]:  # their means compared
            pool = pools.pop()
            total, count = total + pool[0], count + pool[1]
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]
