"""A way into OpenBao or Vault, by AppRole.

Source: https://openbao.org/api-docs/auth/approle/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hvac  # type: ignore[import-untyped]
import requests
from hvac.exceptions import InvalidPath, VaultError  # type: ignore[import-untyped]

from pipelines.errors import ConfigError, MachineError


class Session:
    """Enters when it is first needed."""

    def __init__(self, address: str, *, role_id: str, secret_id_file: Path) -> None:
        """`address` is an URL; `role_id` and what stands in `secret_id_file` are an AppRole's."""
        self._address = address
        self._role_id = role_id
        self._secret_id_file = secret_id_file
        self._client: hvac.Client | None = None

    @contextmanager
    def asking(self) -> Iterator[hvac.Client]:
        """The client; what the server refuses is told without what was sent.

        Raises `ConfigError` for that and `MachineError` where no server answers; `InvalidPath`,
        which says that something is not there, goes through.
        """
        try:
            if self._client is None:
                self._client = self._entered()
            yield self._client
        except InvalidPath:
            raise
        except VaultError as error:
            said = "; ".join(map(str, error.errors or [type(error).__name__]))
            raise ConfigError(f"{self._address} refuses: {said}") from None
        except requests.RequestException as error:
            said = type(error).__name__
            raise MachineError(f"{self._address} cannot be reached: {said}") from None

    def _entered(self) -> hvac.Client:
        client = hvac.Client(url=self._address)
        try:
            secret_id = self._secret_id_file.read_text().strip()
        except OSError as error:
            said = f"cannot read {self._secret_id_file}: {error.strerror}"
            raise MachineError(said) from error
        client.auth.approle.login(role_id=self._role_id, secret_id=secret_id)
        return client
