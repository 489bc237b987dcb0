"""Waiting for a condition instead of sleeping, and a program that is no part of Python."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests import debian

collect_ignore_glob = ["controls/*"]  # faults, planted to be found in a scratch copy
# Whether a container engine answers here is nothing that a test may depend on by chance.
os.environ["SUMMIT_ENGINE"] = "process"
TOOLS = Path(__file__).parents[1] / ".summit" / "tools"  # kept: later runs need no network


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


@pytest.fixture(scope="session")
def cosign() -> Path:
    """The stock `cosign`, which knows nothing of this repository. Debian has it from 13 on."""
    try:
        return debian.program("cosign", release="trixie", tools=TOOLS)
    except debian.Unavailable as error:
        reason = str(error)
    pytest.fail(f"no `cosign` on PATH, and none out of Debian: {reason}", pytrace=False)
