"""A ledger with all the evidence that a release needs, and an environment that asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.proof import Proof


@pytest.fixture
def proof(tmp_path: Path) -> Proof:
    """A release for which everything is there."""
    made = Proof(tmp_path)
    made.gather()
    return made
