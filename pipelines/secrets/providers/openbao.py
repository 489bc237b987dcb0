"""OpenBao or Vault: KV version 2, entered by AppRole.

The versions are the engine's own; which is current, and which was, stands in the secret's custom
metadata. Source: https://openbao.org/api-docs/secret/kv/kv-v2/
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from hvac.exceptions import InvalidPath  # type: ignore[import-untyped]

from pipelines.errors import ConfigError
from pipelines.secrets.bao import Session
from pipelines.secrets.provider import NoSecret, Phase, Version

_CURRENT, _OLD = "current", "old"  # keys of the custom metadata
_FIELD = "value"


class OpenBaoProvider:
    """The secrets below `folder` of a KV engine."""

    name = "openbao"

    def __init__(
        self, address: str, *, mount: str, folder: str, role_id: str, secret_id_file: Path
    ) -> None:
        """`role_id` and what stands in `secret_id_file` are an AppRole's."""
        self._session = Session(address, role_id=role_id, secret_id_file=secret_id_file)
        self._mount = mount
        self._folder = folder.strip("/")

    def names(self) -> frozenset[str]:
        with self._asking() as kv:
            try:
                listed = kv.list_secrets(path=self._folder, mount_point=self._mount)
            except InvalidPath:
                return frozenset()
        names: list[str] = listed["data"]["keys"]
        return frozenset(
            it for it in names if any(v.phase is not Phase.REVOKED for v in self.versions(it))
        )

    def versions(self, name: str) -> tuple[Version, ...]:
        metadata = self._metadata(name)
        if metadata is None:
            return ()
        told = metadata["versions"]
        return tuple(
            Version(
                id_,
                datetime.fromisoformat(told[id_]["created_time"]).timestamp(),
                _phase(id_, told[id_], metadata["custom_metadata"] or {}),
            )
            for id_ in sorted(told, key=int)
        )

    def read(self, name: str, version: str = "") -> bytes:
        wanted = version or self._current(name)
        with self._asking() as kv:
            try:
                found = kv.read_secret_version(
                    path=self._path(name),
                    version=int(wanted),
                    mount_point=self._mount,
                    raise_on_deleted_version=True,
                )
            except (InvalidPath, ValueError):
                raise NoSecret(name, self.name, version) from None
        return b64decode(found["data"]["data"][_FIELD])

    def add(self, name: str, value: bytes) -> str:
        with self._asking() as kv:
            made = kv.create_or_update_secret(
                path=self._path(name),
                secret={_FIELD: b64encode(value).decode()},
                mount_point=self._mount,
            )
        version = str(made["data"]["version"])
        if version == "1":
            self._mark(name, {_CURRENT: version})
        return version

    def use(self, name: str, version: str) -> None:
        self._require(name, version)
        before = self._current(name)
        if before != version:
            self._mark(name, {_CURRENT: version, _OLD: before})

    def revoke(self, name: str, version: str) -> None:
        self._require(name, version)
        if version == self._current(name):
            raise ConfigError(
                f"version {version} of {name!r} is the current one",
                hint="make another one current first: `inv secrets.rotate`",
            )
        with self._asking() as kv:
            kv.destroy_secret_versions(
                path=self._path(name), versions=[int(version)], mount_point=self._mount
            )

    def _require(self, name: str, version: str) -> None:
        usable = [it.id for it in self.versions(name) if it.phase is not Phase.REVOKED]
        if version not in usable:
            raise NoSecret(name, self.name, version)

    def _current(self, name: str) -> str:
        metadata = self._metadata(name)
        if metadata is None:
            raise NoSecret(name, self.name)
        return str((metadata["custom_metadata"] or {}).get(_CURRENT, ""))

    def _mark(self, name: str, marks: dict[str, str]) -> None:
        with self._asking() as kv:
            kv.update_metadata(
                path=self._path(name), custom_metadata=marks, mount_point=self._mount
            )

    def _metadata(self, name: str) -> dict[str, Any] | None:
        with self._asking() as kv:
            try:
                found = kv.read_secret_metadata(path=self._path(name), mount_point=self._mount)
            except InvalidPath:
                return None
        data: dict[str, Any] = found["data"]
        return data

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """The engine of the secrets. Raises as `Session.asking` does."""
        with self._session.asking() as client:
            yield client.secrets.kv.v2


def _phase(id_: str, told: dict[str, Any], marks: dict[str, str]) -> Phase:
    if told["destroyed"] or told["deletion_time"]:
        return Phase.REVOKED
    if marks.get(_CURRENT) == id_:
        return Phase.CURRENT
    is_before = int(id_) < int(marks.get(_CURRENT, "0"))
    return Phase.OLD if marks.get(_OLD) == id_ or is_before else Phase.ADDED
