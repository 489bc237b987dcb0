"""Which node is sent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, strategies as st

from services.kit.geo import Position, distance_m
from services.tasking.choice import Node, choose

FIRE = Position(lat=38.0, lon=-120.0)
NOON = datetime(2030, 7, 1, 12, tzinfo=UTC)


def node(number, *, lat=38.0, lon=-120.0, range_m=3e6):
    return Node(id=UUID(int=number), position=Position(lat=lat, lon=lon), range_m=range_m)


def chosen(nodes, *, busy=(), tried=None):
    choice = choose(FIRE, nodes, busy=busy, tried=tried or {})
    return choice and choice.node_id.int


def test_the_nearest_node_is_sent_and_its_distance_told():
    near, far = node(1, lat=38.1), node(2, lat=38.2)

    choice = choose(FIRE, [far, near], busy=(), tried={})

    assert choice.node_id == near.id
    assert choice.distance_m == distance_m(FIRE, near.position)


def test_nearest_means_over_the_antimeridian_too():
    fire = Position(lat=0, lon=179.9)

    choice = choose(fire, [node(1, lat=0, lon=179), node(2, lat=0, lon=-179.9)], busy=(), tried={})

    assert choice.node_id.int == 2


def test_a_busy_node_is_passed_over():
    assert chosen([node(1), node(2, lat=39)], busy={UUID(int=1)}) == 2


def test_without_a_free_node_nobody_is_sent():
    assert chosen([node(1)], busy={UUID(int=1)}) is None
    assert chosen([]) is None


def test_a_node_is_sent_only_within_its_range():
    assert chosen([node(1, lat=38.02, range_m=1000)]) is None
    assert chosen([node(1, lat=38.001, range_m=1000)]) == 1


def test_a_tried_node_comes_after_a_farther_one_that_was_not():
    assert chosen([node(1), node(2, lat=39)], tried={UUID(int=1): NOON}) == 2


def test_when_all_were_tried_it_starts_over_in_the_same_order():
    tried = {UUID(int=1): NOON, UUID(int=2): NOON + timedelta(minutes=1)}

    assert chosen([node(2, lat=39), node(1)], tried=tried) == 1


@given(st.permutations(range(1, 6)))
def test_the_order_in_which_nodes_are_listed_does_not_matter(numbers):
    assert chosen([node(number, lat=40) for number in numbers]) == 1
