"""Accounts of a database that live as long as their lease: nobody keeps their passwords.

OpenBao's or Vault's database engine makes each, and drops it when its lease ends.
Source: https://openbao.org/api-docs/secret/databases/
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hvac.exceptions import InvalidPath  # type: ignore[import-untyped]

from pipelines.errors import ConfigError
from pipelines.secrets.bao import Session


@dataclass(frozen=True)
class Account:
    """Who may enter the database, for `seconds` from when it was lent or renewed."""

    lease: str
    user: str
    password: str = field(repr=False)
    seconds: int


class Accounts:
    """The accounts that the engine at `mount` lends."""

    def __init__(self, session: Session, *, mount: str = "database") -> None:
        self._session = session
        self._mount = mount

    def lend(self, role: str) -> Account:
        """A new account with the rights of the engine's role. Raises `ConfigError`, as all do."""
        with self._session.asking() as client:
            try:
                made = client.secrets.database.generate_credentials(role, mount_point=self._mount)
            except InvalidPath:
                raise ConfigError(f"no database engine at {self._mount!r}") from None
        data = made["data"]
        return Account(made["lease_id"], data["username"], data["password"], made["lease_duration"])

    def renew(self, account: Account, seconds: int) -> Account:
        """Have the account live for so long from now, or for what the role grants of it."""
        with self._session.asking() as client:
            renewed = client.sys.renew_lease(account.lease, increment=seconds)
        granted: int = renewed["lease_duration"]
        return Account(account.lease, account.user, account.password, granted)

    def revoke(self, account: Account) -> None:
        """Drop the account; when this returns, the database refuses it."""
        with self._session.asking() as client:
            # The client's own call comes back before anything is dropped.
            asked = {"lease_id": account.lease, "sync": True}
            client.adapter.put("/v1/sys/leases/revoke", json=asked)
