"""Whether a database lets a role in with a password."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import MachineError
from pipelines.programs import process
from pipelines.stack.ports import HOST

_REFUSAL = "password authentication failed"  # PostgreSQL's words, in the C locale that it is given


def admits(
    psql: Path,
    role: str,
    password: bytes,
    *,
    port: int | None,
    database: str,
    environment: Mapping[str, str],
) -> bool:
    """Try it by a real connection.

    Raises `MachineError` where neither is said, which proves nothing of the password.
    """
    said = process.read(
        (
            psql,
            "--no-psqlrc",
            "--command=select 1",
            f"--host={HOST}",
            f"--port={port}",
            f"--username={role}",
            f"--dbname={database}",
        ),
        env={**environment, "PGPASSWORD": password.decode()},
    )
    if not said and _REFUSAL not in said.errors:
        raise MachineError(f"cannot try the password of {role}: {said.errors.strip()}")
    return bool(said)
