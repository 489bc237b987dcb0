"""The key that signs on this machine, and which other keys may say what."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from pipelines.errors import MachineError, PolicyError
from pipelines.ledger import keyfile

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.ledger.keyring import Keyring

KEY = "signing-key.pem"
KEYRING = "keyring.yaml"


class Keys:
    """The local key, and the keyrings of the repository and of this machine.

    `root` is the repository's root, whose keyring all share. `folder` holds the local key, made
    when something is first signed, and this machine's keyring; it is `summit` in
    `$XDG_CONFIG_HOME`, or in `~/.config` (XDG Base Directory Specification 0.8).
    """

    def __init__(self, root: str | Path, *, folder: str | Path | None = None) -> None:
        self.folder = os.fspath(folder or usual_folder())
        self.path = f"{self.folder}/{KEY}"
        self.keyrings = (f"{os.fspath(root)}/{KEYRING}", f"{self.folder}/{KEYRING}")
        self._seed: bytes | None = None
        self._point: bytes | None = None
        self._keyid = ""
        self._keyring: Keyring | None = None

    @property
    def keyid(self) -> str:
        """The id of the local key, made now when there is none."""
        if not self._keyid:
            self._keyid = keyfile.keyid_of(self.point)
        return self._keyid

    @property
    def point(self) -> bytes:
        """The local public key, 32 bytes; made now when there is none."""
        if self._point is None:
            from pipelines.ledger.signing import point_of

            self._point = point_of(self._read() or self._make())
        return self._point

    @property
    def keyring(self) -> Keyring:
        """Both keyrings, read when a record of another key first asks for them."""
        if self._keyring is None:
            from pathlib import Path

            from pipelines.ledger.keyring import read

            self._keyring = read([Path(file) for file in self.keyrings])
        return self._keyring

    def sign(self, data: bytes) -> bytes:
        """The local key's signature, 64 bytes.

        Raises `MachineError` when a key cannot be made or read, `ConfigError` for one that others
        can read.
        """
        from pipelines.ledger.signing import sign

        return sign(self._read() or self._make(), data)

    def seal(self, data: bytes) -> bytes | None:
        """A keyed digest, 32 bytes, that only a holder of the local key can make.

        None when there is no key yet; none is made for this.
        """
        seed = self._read()
        if seed is None:
            return None
        return hashlib.blake2b(data, key=seed, person=b"summit index", digest_size=32).digest()

    def check(self, keyid: str, signature: bytes, data: bytes, *, step: str, at: str) -> None:
        """Nothing, when the signature is by a key that may attest the step at that time.

        `at` is RFC 3339. Raises `PolicyError`: a bad signature, an unknown key, a key that may
        not; `ConfigError` for a keyring that cannot be read.
        """
        from pipelines.ledger.signing import holds

        is_local = self.is_local(keyid)
        point = self.point if is_local else self.keyring.point_of(keyid)
        if not holds(point, signature, data):
            raise PolicyError("its signature does not hold")
        if not is_local:
            self.keyring.check(keyid, step=step, at=at)

    def is_local(self, keyid: str) -> bool:
        """Whether it is the id of the local key; to ask makes none."""
        return self._read() is not None and keyid == self.keyid

    def _read(self) -> bytes | None:
        if self._seed is None:
            self._seed = keyfile.read(self.path)
        return self._seed

    def _make(self) -> bytes:
        is_ours = keyfile.make(self.path)
        seed = self._read()
        if seed is None:
            raise MachineError(f"the signing key {self.path} has just been removed")
        if is_ours:
            self._enter()
        return seed

    def _enter(self) -> None:
        """Put the new key into this machine's keyring: its records hold when the next one comes."""
        entry = (
            f"- name: {os.uname().nodename}\n"
            f"  key: {keyfile.public_der(self.point)}\n"
            '  steps: ["*"]\n'
        )
        path = self.keyrings[-1]
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, entry.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise MachineError(f"cannot write {path}: {error.strerror}") from error


def usual_folder() -> str:
    home = os.environ.get("XDG_CONFIG_HOME", "")
    if not home.startswith("/"):  # the specification: a relative path is to be ignored
        home = os.path.expanduser("~/.config")
    return f"{home}/summit"
