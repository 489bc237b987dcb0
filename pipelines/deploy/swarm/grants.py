"""What services of a stack may read: secrets and files, each kept by the swarm under a name that
its content decides.

Nothing kept is ever changed: another value is another name, and who was started with one keeps it.
Source: https://docs.docker.com/engine/swarm/secrets/ and .../configs/, for their limits too.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.content import named
from pipelines.errors import ConfigError, MachineError
from pipelines.files import write_atomically

_MOST = 500_000  # bytes under one name
_KEY = 32  # bytes


@dataclass
class Grants:
    """What the services of one file are granted; `base` begins every name.

    `secrets` is the folder with their values. Their names are made with `key`, so that nobody who
    reads a name can try values on it.
    """

    base: str
    secrets: Path
    key: bytes
    values: dict[str, bytes] = field(default_factory=dict)  # of secrets, by their names
    files: dict[str, bytes] = field(default_factory=dict)  # of configs

    def secret(self, grant: Mapping[str, Any], user: int | None) -> dict[str, Any]:
        """A secret as a file in memory, of one user alone where that is known.

        Raises `ConfigError` for a missing one.
        """
        source = grant["source"]
        try:
            value = (self.secrets / source).read_bytes()
        except FileNotFoundError:
            raise ConfigError(
                f"the secret {source} is missing: there is no {self.secrets / source}",
                hint="`inv secrets.init` makes what is missing",
            ) from None
        name = named(f"{self.base}-{source}", hmac.digest(self.key, value, "sha256"))
        self.values[name] = _checked(source, value)
        target = str(grant.get("target") or source).removeprefix("/run/secrets/")
        if user is None:
            return {"source": name, "target": target, "mode": 0o444}
        owner = str(user)
        return {"source": name, "target": target, "uid": owner, "gid": owner, "mode": 0o400}

    def file(self, content: bytes, target: str) -> dict[str, Any]:
        """A file that is public to whoever runs in the service."""
        name = named(f"{self.base}-{Path(target).name}", content)
        self.files[name] = _checked(target, content)
        return {"source": name, "target": target, "mode": 0o444}

    def folder(self, source: Path, target: str) -> Iterator[dict[str, Any]]:
        """A file, or all files of a folder."""
        if source.is_file():
            yield self.file(source.read_bytes(), target)
        for file in sorted(it for it in source.rglob("*") if it.is_file()):
            yield self.file(file.read_bytes(), f"{target}/{file.relative_to(source)}")


def key(folder: Path) -> bytes:
    """The key of an environment's names, made with the first. Raises `MachineError`."""
    file = folder / "names.key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        if not file.stat().st_size:
            write_atomically(file, secrets.token_hex(_KEY))
        return bytes.fromhex(file.read_text())
    except OSError as error:
        raise MachineError(f"cannot write {file}: {error.strerror}") from error


def _checked(name: str, value: bytes) -> bytes:
    if len(value) > _MOST:
        raise ConfigError(
            f"{name} has {len(value)} bytes, and a swarm keeps no more than {_MOST} under a name"
        )
    return value
