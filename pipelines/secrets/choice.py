"""Which provider keeps the secrets of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.documents.nearest import nearest
from pipelines.environments.environment import STATE
from pipelines.errors import ConfigError
from pipelines.secrets.provider import Provider

NAMES = ("age",)


def of(root: Path, environment: str, settings: Mapping[str, str]) -> Provider:
    """The provider that an environment's `secrets` name, by default the encrypted file.

    Raises `ConfigError` for an unknown one.
    """
    # Each with what it needs alone.
    match wanted := settings.get("provider", "age"):
        case "age":
            from pipelines.secrets.providers.age import AgeProvider

            return AgeProvider(root / STATE / environment / "secrets.age")
    raise ConfigError(f"no provider of secrets called {wanted!r}", hint=nearest(wanted, NAMES))
