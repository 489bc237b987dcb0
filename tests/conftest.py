"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for a condition, at most 30 seconds."""

    def wait(holds: Callable[[], object]) -> None:
        Retrying(
            retry=retry_if_result(lambda held: not held),
            wait=wait_fixed(0.02),
            stop=stop_after_delay(30),
        )(holds)

    return wait
