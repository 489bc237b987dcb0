"""Where the nodes of a drawing stand: nothing overlaps, edges go round what they do not touch."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, strategies as st

from pipelines.reporting.layers import Box, Drawing, Edge, Point, Size, arrange

Graph = tuple[dict[str, Size], list[Edge]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Nodes of any size, each needing some earlier ones."""
    lengths = st.floats(1, 300)
    sizes = draw(st.lists(st.builds(Size, lengths, lengths), max_size=12))
    nodes = {f"n{number}": size for number, size in enumerate(sizes)}
    pairs = list(combinations(nodes, 2))
    chosen = draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    return nodes, [Edge(*pair) for pair in sorted(chosen)]


def placed(graph: Graph) -> Drawing:
    return arrange(*graph, gap=50)


def is_apart(one: Box, other: Box) -> bool:
    across = max(one.left, other.left) - min(one.left + one.width, other.left + other.width)
    down = abs(one.middle - other.middle) - (one.height + other.height) / 2
    return across > 0 or down > 0


def passes_through(box: Box, one: Point, other: Point) -> bool:
    """Whether a level stretch touches the box."""
    assert one.y == pytest.approx(other.y)
    is_beside = one.x >= box.left + box.width or other.x <= box.left
    return not is_beside and abs(one.y - box.middle) <= box.height / 2


@given(graphs())
def test_no_two_nodes_overlap(graph: Graph) -> None:
    boxes = placed(graph).boxes

    assert boxes.keys() == graph[0].keys()
    assert all(is_apart(one, other) for one, other in combinations(boxes.values(), 2))


@given(graphs())
def test_edges_lead_from_node_to_node_and_through_none(graph: Graph) -> None:
    drawing = placed(graph)

    assert list(drawing.routes) == graph[1]
    for edge, route in drawing.routes.items():
        start, end = drawing.boxes[edge.start], drawing.boxes[edge.end]
        assert route[0][0] == (start.left + start.width, start.middle)
        assert route[-1][1] == (end.left, end.middle)
        for (_, arrived), (leaves, _) in pairwise(route):
            assert not any(passes_through(box, arrived, leaves) for box in drawing.boxes.values())


@given(graphs())
def test_bends_stay_between_the_columns(graph: Graph) -> None:
    drawing = placed(graph)

    for one, other in (stretch for route in drawing.routes.values() for stretch in route):
        assert one.x < other.x
        for box in drawing.boxes.values():
            assert other.x <= box.left or one.x >= box.left + box.width


@given(graphs())
def test_all_of_it_is_inside(graph: Graph) -> None:
    drawing = placed(graph)

    for box in drawing.boxes.values():
        assert box.left >= 0
        assert box.left + box.width <= drawing.size.width + 1e-6
        assert box.middle - box.height / 2 >= -1e-6
        assert box.middle + box.height / 2 <= drawing.size.height + 1e-6


def test_edges_that_need_not_cross_do_not() -> None:
    sizes = dict.fromkeys("abcxyz", Size(50, 20))
    crossed = [Edge("a", "z"), Edge("b", "y"), Edge("c", "x")]

    boxes = arrange(sizes, crossed, gap=50).boxes

    starts = sorted(crossed, key=lambda edge: boxes[edge.start].middle)
    assert starts == sorted(crossed, key=lambda edge: boxes[edge.end].middle)


def test_a_node_stands_level_with_the_only_one_it_needs() -> None:
    sizes = dict.fromkeys("abcd", Size(50, 20))

    boxes = arrange(sizes, [Edge("a", "d")], gap=50).boxes

    assert boxes["d"].middle == boxes["a"].middle
