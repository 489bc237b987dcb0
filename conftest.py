"""What every test of the repository can ask for: a real PostgreSQL. And how hypothesis runs."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.stack.process import postgres as launcher

# A slow machine is no fault of the code: timings belong to `bench/`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[launcher.Server]:
    """One server for each xdist worker, with `.host .port .superuser .password`."""
    # Not pytest's own folder: that one is closed to the user the server runs as under root.
    with tempfile.TemporaryDirectory(prefix="summit-postgres-") as folder:
        Path(folder).chmod(0o755)
        with launcher.running(Path(folder, "data"), password=secrets.token_urlsafe(24)) as server:
            yield server
