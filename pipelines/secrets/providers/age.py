"""Secrets of an environment in one file, encrypted to a key of this machine.

Format: age (https://age-encryption.org/v1) around JSON; to be read with the `age` program too.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyrage  # type: ignore[import-untyped]
from pyrage import x25519

from pipelines.errors import ConfigError, Where, unreadable, unwritable
from pipelines.ledger.keys import usual_folder
from pipelines.secrets.provider import NoSecret, Phase, Version

IDENTITY = "age-identity.txt"


class _Kept(msgspec.Struct):
    """One version; a revoked one has no value any more."""

    id: str
    created: float
    phase: Phase
    value: bytes


_Secrets = dict[str, list[_Kept]]


class AgeProvider:
    """The secrets in `file`, which need not exist yet."""

    name = "age"

    def __init__(self, file: Path, *, identity: Path | None = None) -> None:
        """`identity` is the file of the private key, made when something is first kept."""
        self.file = file
        self._identity = identity or Path(usual_folder(), IDENTITY)

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
                return it.value
        raise NoSecret(name, self.name, version)

    def add(self, name: str, value: bytes) -> str:
        with self._changing() as kept:
            versions = kept.setdefault(name, [])
            has_current = any(it.phase is Phase.CURRENT for it in versions)
            phase = Phase.ADDED if has_current else Phase.CURRENT
            made = _Kept(secrets.token_hex(6), time.time(), phase, value)
            versions.append(made)
        return made.id

    def use(self, name: str, version: str) -> None:
        with self._changing() as kept:
            chosen = self._found(kept, name, version)
            for it in kept[name]:
                if it.phase is Phase.CURRENT and it is not chosen:
                    it.phase = Phase.OLD
            chosen.phase = Phase.CURRENT

    def revoke(self, name: str, version: str) -> None:
        with self._changing() as kept:
            chosen = self._found(kept, name, version)
            if chosen.phase is Phase.CURRENT:
                raise ConfigError(
                    f"version {version} of {name!r} is the current one",
                    hint="make another one current first: `inv secrets.rotate`",
                )
            chosen.phase, chosen.value = Phase.REVOKED, b""

    def _found(self, kept: _Secrets, name: str, version: str) -> _Kept:
        for it in kept.get(name, ()):
            if it.id == version and it.phase is not Phase.REVOKED:
                return it
        raise NoSecret(name, self.name, version)

    @contextmanager
    def _changing(self) -> Iterator[_Secrets]:
        """Everything that is kept, written back in one move when the block ends well."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                kept = self._read()
                yield kept
                self._write(kept)
        except OSError as error:
            raise unwritable(self.file, error) from error

    def _read(self) -> _Secrets:
        try:
            sealed = self.file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise unreadable(self.file, error) from error
        identity = self._key()
        if identity is None:
            raise ConfigError(
                f"no key to decrypt it with: {self._identity} is missing", where=Where(self.file)
            )
        try:
            return msgspec.json.decode(pyrage.decrypt(sealed, [identity]), type=_Secrets)
        except (pyrage.DecryptError, msgspec.DecodeError):
            raise ConfigError(
                f"it is damaged, or encrypted to another key than {self._identity}",
                where=Where(self.file),
            ) from None

    def _write(self, kept: _Secrets) -> None:
        identity = self._key() or self._made()
        sealed = pyrage.encrypt(msgspec.json.encode(kept), [identity.to_public()])
        handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=f".{self.file.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _key(self) -> x25519.Identity | None:
        try:
            mode = self._identity.stat().st_mode
            text = self._identity.read_text()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(self._identity, error) from error
        if mode & 0o077:
            raise ConfigError(
                "others can read this key", where=Where(self._identity), hint="`chmod 600` it"
            )
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        try:
            return x25519.Identity.from_str(lines[0])
        except (IndexError, pyrage.IdentityError):
            raise ConfigError("not an age identity", where=Where(self._identity)) from None

    def _made(self) -> x25519.Identity:
        """A new key, unless another command is faster: then that one's.

        The file is there only once the whole key is in it: other environments use it too.
        """
        self._identity.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = x25519.Identity.generate()
        handle, name = tempfile.mkstemp(dir=self._identity.parent)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(f"{made}\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(name, self._identity)  # fails where another command was faster
        except FileExistsError:
            return self._key() or self._made()
        finally:
            Path(name).unlink()
        return made
