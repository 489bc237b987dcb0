"""Whether a node is alive."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from services.fabric.liveness import Liveness, NodeStatus

NOW = datetime(2030, 7, 1, tzinfo=UTC)
LIVENESS = Liveness(timedelta(seconds=30), timedelta(seconds=90))


@pytest.mark.parametrize(
    ("silence", "status"),
    [
        (-1, NodeStatus.ACTIVE),
        (0, NodeStatus.ACTIVE),
        (29.999, NodeStatus.ACTIVE),
        (30, NodeStatus.STALE),
        (89.999, NodeStatus.STALE),
        (90, NodeStatus.OFFLINE),
        (10**8, NodeStatus.OFFLINE),
    ],
)
def test_status_is_a_matter_of_silence(silence, status):
    assert LIVENESS.status(NOW - timedelta(seconds=silence), NOW) is status


@given(st.integers(-1000, 1000).map(lambda tenths: timedelta(seconds=tenths / 10)))
def test_a_search_by_status_finds_exactly_the_nodes_of_that_status(silence):
    seen = NOW - silence

    found = [
        status
        for status in NodeStatus
        if (span := LIVENESS.seen_within(status, NOW)) and span[0] < seen <= span[1]
    ]

    assert found == [LIVENESS.status(seen, NOW)]
