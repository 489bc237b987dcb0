"""What keeps the values of secrets: one protocol, whatever stands behind it.

A secret has versions, of which at most one is current. A value goes in once and never changes.
"""

from __future__ import annotations

import enum
from typing import NamedTuple, Protocol

from pipelines.errors import ConfigError


class Phase(enum.Enum):
    """What may be done with a version."""

    ADDED = "added"  # accepted beside the current one, handed to nobody yet
    CURRENT = "current"  # what a service is given
    OLD = "old"  # was current, and may still be accepted
    REVOKED = "revoked"  # its value is gone


class Version(NamedTuple):
    """One value of a secret, without the value; `created` is in seconds since the epoch."""

    id: str
    created: float
    phase: Phase


class NoSecret(ConfigError):
    """The provider has no such secret, or not this version of it."""

    def __init__(self, name: str, provider: str, version: str = "") -> None:
        of = f"version {version} of the secret" if version else "secret"
        super().__init__(
            f"{provider} has no {of} {name!r}", hint="`inv secrets.init` makes what is missing"
        )


class Provider(Protocol):
    """Keeps the secrets of one environment.

    Every method raises `MachineError` where what stands behind it cannot be reached, and
    `ConfigError` where it refuses; none shows a value in what it raises.
    """

    @property
    def name(self) -> str:
        """The word that chooses it."""

    def names(self) -> frozenset[str]:
        """Every secret that has a version which is not revoked."""

    def versions(self, name: str) -> tuple[Version, ...]:
        """All that is known of a secret's versions, oldest first; none for an unknown one."""

    def read(self, name: str, version: str = "") -> bytes:
        """The value of a version, by default the current one. Raises `NoSecret`."""

    def add(self, name: str, value: bytes) -> str:
        """Keep a further value beside the others and return its version's id.

        The first one is current at once, a later one `ADDED`; of several that wait, a provider
        may keep the last alone.
        """

    def use(self, name: str, version: str) -> None:
        """Make the version current; the one before becomes `OLD`. Raises `NoSecret`."""

    def revoke(self, name: str, version: str) -> None:
        """Let go of a version's value for good. Raises `ConfigError` for the current one."""
