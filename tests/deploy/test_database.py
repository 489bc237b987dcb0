"""A password is said to be refused only where a real server refuses it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.deploy import database
from pipelines.deploy.database import Account
from pipelines.errors import MachineError
from pipelines.stack.ports import HOST, any_free
from pipelines.stack.process import postgres

PASSWORD = secrets.token_urlsafe(32)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    # Not below pytest's own folder: that one is closed to the user PostgreSQL runs as under root.
    with tempfile.TemporaryDirectory(prefix="summit-database-") as folder:
        Path(folder).chmod(0o755)
        with postgres.running(Path(folder, "data"), password=PASSWORD) as running:
            yield running


def admits(password: str, *, port: int, name: str = "postgres") -> bool:
    return database.admits(
        postgres.find_binaries().bin / "psql",
        Account("postgres", "", port, name),
        password.encode(),
        host=HOST,
        port=port,
        environment=postgres.ENVIRONMENT,
    )


def test_a_role_gets_in_with_its_own_password_alone(server: postgres.Server) -> None:
    assert admits(PASSWORD, port=server.port)
    assert not admits(secrets.token_urlsafe(32), port=server.port)


def test_a_server_that_is_away_refuses_nothing() -> None:
    with pytest.raises(MachineError, match="cannot try the password of postgres"):
        admits(PASSWORD, port=any_free())


def test_a_password_that_is_right_is_not_refused_for_another_reason(
    server: postgres.Server,
) -> None:
    with pytest.raises(MachineError, match='database "nowhere" does not exist'):
        admits(PASSWORD, port=server.port, name="nowhere")
