"""Kubernetes Secrets as manifests in a folder, for `kubectl apply --filename FOLDER`.

Each version is an immutable Secret named by its content, with the value under the key `value`, as
the manifests of a release refer to it. Which is current stands beside them, without any value, in
a file that `kubectl` passes over. Base64 hides nothing: the folder is for its owner alone.
Source: https://kubernetes.io/docs/concepts/configuration/secret/
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import yaml

from pipelines.content import named
from pipelines.errors import ConfigError, MachineError, Where
from pipelines.secrets.provider import NoSecret, Phase, Version

_INDEX = ".versions"  # JSON, but of no ending that `kubectl` reads
_MOST = 2**20 - 2**14  # bytes of base64: what the API takes in one object, less its names


class _Known(msgspec.Struct):
    """One version; its id is the name of the Secret that holds the value."""

    id: str
    created: float
    phase: Phase


_Index = dict[str, list[_Known]]


class KubernetesProvider:
    """The manifests in `folder`, which need not exist yet."""

    name = "kubernetes"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> frozenset[str]:
        return frozenset(
            name
            for name, versions in self._read().items()
            if any(it.phase is not Phase.REVOKED for it in versions)
        )

    def versions(self, name: str) -> tuple[Version, ...]:
        return tuple(Version(it.id, it.created, it.phase) for it in self._read().get(name, ()))

    def read(self, name: str, version: str = "") -> bytes:
        for it in self._read().get(name, ()):
            is_wanted = it.id == version or (not version and it.phase is Phase.CURRENT)
            if is_wanted and it.phase is not Phase.REVOKED:
                return self._value(it.id)
        raise NoSecret(name, self.name, version)

    def add(self, name: str, value: bytes) -> str:
        """As the protocol says, but the same value is the same version."""
        encoded = b64encode(value).decode()
        if len(encoded) > _MOST:
            raise ConfigError(f"{name!r} is larger than a Secret of Kubernetes may be")
        with self._changing() as index:
            versions = index.setdefault(name, [])
            made = _Known(named(name, value), time.time(), Phase.ADDED)
            for it in versions:
                if it.id == made.id and it.phase is not Phase.REVOKED:
                    return it.id
                if it.id == made.id:
                    raise ConfigError(f"this value of {name!r} was revoked", hint="take another")
            if not any(it.phase is Phase.CURRENT for it in versions):
                made.phase = Phase.CURRENT
            self._write(f"{made.id}.yaml", yaml.safe_dump(_manifest(name, made.id, encoded)))
            versions.append(made)
        return made.id

    def use(self, name: str, version: str) -> None:
        with self._changing() as index:
            chosen = self._found(index, name, version)
            for it in index[name]:
                if it.phase is Phase.CURRENT and it is not chosen:
                    it.phase = Phase.OLD
            chosen.phase = Phase.CURRENT

    def revoke(self, name: str, version: str) -> None:
        """As the protocol says; `kubectl delete secret VERSION` does it in the cluster."""
        with self._changing() as index:
            chosen = self._found(index, name, version)
            if chosen.phase is Phase.CURRENT:
                raise ConfigError(
                    f"version {version} of {name!r} is the current one",
                    hint="make another one current first: `inv secrets.rotate`",
                )
            chosen.phase = Phase.REVOKED
            # Before the index is written: whoever is stopped between the two can do it again.
            (self.folder / f"{version}.yaml").unlink(missing_ok=True)

    def _found(self, index: _Index, name: str, version: str) -> _Known:
        for it in index.get(name, ()):
            if it.id == version and it.phase is not Phase.REVOKED:
                return it
        raise NoSecret(name, self.name, version)

    def _value(self, version: str) -> bytes:
        file = self.folder / f"{version}.yaml"
        try:
            return b64decode(yaml.safe_load(file.read_bytes())["data"]["value"], validate=True)
        except OSError as error:
            raise MachineError(f"cannot read {file}: {error.strerror}") from error
        except (yaml.YAMLError, LookupError, TypeError, ValueError):
            raise ConfigError("not a Secret as it was written here", where=Where(file)) from None

    @contextmanager
    def _changing(self) -> Iterator[_Index]:
        """What is known of all versions, written back when the block ends well."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                index = self._read()
                yield index
                self._write(_INDEX, msgspec.json.encode(index).decode())
        except OSError as error:
            raise MachineError(f"cannot write {self.folder}: {error.strerror}") from error

    def _read(self) -> _Index:
        file = self.folder / _INDEX
        try:
            return msgspec.json.decode(file.read_bytes(), type=_Index)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise MachineError(f"cannot read {file}: {error.strerror}") from error
        except msgspec.DecodeError:
            raise ConfigError("it is damaged", where=Where(file)) from None

    def _write(self, name: str, text: str) -> None:
        """Replace a file in one move; it is of mode 0600 from its beginning."""
        handle, fresh = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(fresh).replace(self.folder / name)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise


def _manifest(name: str, version: str, encoded: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": version, "annotations": {"summit/secret": name}},
        "type": "Opaque",
        "immutable": True,
        "data": {"value": encoded},
    }
