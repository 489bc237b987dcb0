"""A ledger in a folder of its own, and results to fill it with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.ledger.sample import Sample


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path)
