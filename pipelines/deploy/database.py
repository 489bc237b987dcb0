"""Whether a database lets a role in with a password, by the server's own word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pipelines.errors import MachineError
from pipelines.programs import process
from pipelines.programs.process import Said

_REFUSAL = "password authentication failed"  # PostgreSQL's words, in the C locale that it is given
_FED = 'PGPASSWORD="$(cat)" LC_ALL=C exec psql --host="$(hostname)" "$@"'


class Account(NamedTuple):
    """A role at a database, and the service that the database is."""

    role: str
    service: str
    port: int
    database: str

    @classmethod
    def of(cls, address: str) -> Account:
        """From what a service is told, `postgresql://ROLE@SERVICE:PORT/DATABASE`."""
        it = urlsplit(address)
        return cls(it.username or "", it.hostname or "", it.port or 5432, it.path.lstrip("/"))


def admits(
    psql: Path,
    account: Account,
    password: bytes,
    *,
    host: str,
    port: int | None,
    environment: Mapping[str, str],
) -> bool:
    """Try it by a real connection to this port.

    Raises `MachineError` where neither is said, which proves nothing of the password.
    """
    said = process.read(
        (psql, f"--host={host}", f"--port={port}", *_question(account)),
        env={**environment, "PGPASSWORD": password.decode()},
    )
    return _answer(account, said)


def admits_inside(container: tuple[str, ...], account: Account, password: bytes) -> bool:
    """The same, by the program beside the server; `container` are the words of a `docker exec`.

    Not by the loopback, whose connections the official image trusts. Raises `MachineError`.
    """
    words = (f"--port={account.port}", *_question(account))
    return _answer(
        account, process.read((*container, "sh", "-c", _FED, "psql", *words), fed=password)
    )


def _question(account: Account) -> tuple[str, ...]:
    return (
        *("--no-psqlrc", "--command=select 1"),
        f"--username={account.role}",
        f"--dbname={account.database}",
    )


def _answer(account: Account, said: Said) -> bool:
    if not said and _REFUSAL not in said.errors:
        raise MachineError(f"cannot try the password of {account.role}: {said.errors.strip()}")
    return bool(said)
