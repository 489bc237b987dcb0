"""An audit ends whatever chance makes of real files: a few of those that `bench.fuzz` tries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from pipelines.audit.audit import Report, audit
from pipelines.audit.tracked import Tracked
from tests.audit.hostile.mutations import Files, mutated

pytestmark = pytest.mark.no_cover  # takes three times as long, and covers what others cover
_SEEDS = st.integers(min_value=0, max_value=2**32)


def _audited(files: Files) -> Report:
    return audit(Tracked({path: _contents(data) for path, data in files.items()}))


def _contents(data: bytes) -> Callable[[], bytes]:
    return lambda: data


@pytest.mark.timeout(120)
@settings(max_examples=60, derandomize=True, deadline=None)
@given(_SEEDS)
def test_a_file_that_chance_changed_is_read(seed: int) -> None:
    files = mutated(seed)
    report = _audited(files)

    assert {it.place.file for it in (*report.findings, *report.unread)} <= set(files)


def test_a_number_makes_one_repository() -> None:
    assert mutated(7) == mutated(7)
    assert mutated(7) != mutated(8)
