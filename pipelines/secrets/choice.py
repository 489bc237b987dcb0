"""Which provider keeps the secrets of an environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from pipelines.documents.nearest import nearest
from pipelines.environments.environment import STATE
from pipelines.errors import ConfigError
from pipelines.secrets.provider import Provider

NAMES = ("age", "aws", "command", "kubernetes", "openbao")
# By what each is shown to work, for who has to choose one.
PROVEN = {
    "age": "live: the conformance suite on real files",
    "command": "live: the conformance suite through a real program",
    "kubernetes": "as files: the conformance suite on real manifests, in no cluster",
    "openbao": "live: the conformance suite against a real server",
    "aws": "by conformance only: against an imitation (moto), never the service",
    "gcp, azure": "not proven: through `command` and their own programs, never run",
}


def of(root: Path, environment: str, settings: Mapping[str, str]) -> Provider:
    """The provider that an environment's `secrets` name, by default the encrypted file.

    Raises `ConfigError` for an unknown one.
    """
    # Each with what it needs alone.
    match wanted := settings.get("provider", "age"):
        case "age":
            from pipelines.secrets.providers.age import AgeProvider

            return AgeProvider(root / STATE / environment / "secrets.age")
        case "command":
            from pipelines.secrets.providers.command import CommandProvider

            return CommandProvider(shlex.split(_required(settings, "command", environment)))
        case "kubernetes":
            from pipelines.secrets.providers.kubernetes import KubernetesProvider

            folder = Path(_required(settings, "folder", environment)).expanduser()
            return KubernetesProvider(_outside(root, folder))
        case "openbao":
            from pipelines.secrets.providers.openbao import OpenBaoProvider

            return OpenBaoProvider(
                _required(settings, "address", environment),
                mount=settings.get("mount", "secret"),
                folder=settings.get("folder", environment),
                role_id=_required(settings, "role_id", environment),
                secret_id_file=Path(_required(settings, "secret_id_file", environment)),
            )
        case "aws":
            from pipelines.secrets.providers.aws import AwsProvider

            region = _required(settings, "region", environment)
            return AwsProvider(settings.get("prefix", environment), region=region)
    raise ConfigError(f"no provider of secrets called {wanted!r}", hint=nearest(wanted, NAMES))


def _outside(root: Path, folder: Path) -> Path:
    if not folder.is_absolute() or folder.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            f"the provider kubernetes may not keep values in {folder}",
            hint="give an absolute path outside of the checkout, where Git never sees them",
        )
    return folder


def _required(settings: Mapping[str, str], key: str, environment: str) -> str:
    if not settings.get(key):
        raise ConfigError(
            f"the provider {settings['provider']} of {environment} needs `{key}`",
            hint=f"write it under `secrets` in environments/{environment}.yaml",
        )
    return settings[key]
