"""The table of moves, walked at random."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from services.tasking.states import ASSIGNED, MOVES, OPEN, Actor, Status, movers

ENDED = set(Status) - OPEN


def test_missions_end_in_three_ways():
    assert {Status.COMPLETED, Status.CANCELLED, Status.FAILED} == ENDED


@pytest.mark.parametrize("source", sorted(ENDED))
@pytest.mark.parametrize("target", Status)
def test_nobody_moves_a_mission_that_ended(source, target):
    assert not movers(source, target)


@pytest.mark.parametrize("status", Status)
def test_staying_is_no_move(status):
    assert not movers(status, status)


@given(st.lists(st.sampled_from(Status), max_size=12))
def test_every_legal_walk_accepts_before_it_arrives_and_arrives_before_it_completes(wishes):
    seen = [Status.PENDING]
    for wish in wishes:
        if movers(seen[-1], wish):
            seen.append(wish)

    for earlier, later in pairwise(seen):
        assert later is not Status.ON_SCENE or earlier is Status.ACCEPTED
        assert later is not Status.COMPLETED or earlier is Status.ON_SCENE
        assert later is not Status.ACCEPTED or earlier is Status.DISPATCHED


@pytest.mark.parametrize("status", sorted(ASSIGNED))
def test_a_lost_node_can_be_replaced_whenever_it_has_the_mission(status):
    assert movers(status, Status.PENDING) == {Actor.SUMMIT}


def test_every_open_mission_can_be_cancelled_by_an_operator_and_never_by_a_node():
    for status in OPEN:
        assert Actor.OPERATOR in movers(status, Status.CANCELLED)
        assert Actor.NODE not in movers(status, Status.CANCELLED)


def test_a_node_or_operator_never_dispatches():
    for (_, target), actors in MOVES.items():
        assert target is not Status.DISPATCHED or actors == {Actor.SUMMIT}
