"""The file of the local signing key: made once, whoever comes first, and read by its owner only.

Ed25519 keys in the fixed forms of RFC 8410: PKCS #8 is 16 known bytes and the seed, a
SubjectPublicKeyInfo 12 known bytes and the point. Spelled out here because the library's module
for key files takes longer to import than a run in which nothing changed.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode

from pipelines.errors import ConfigError, MachineError, Where

_PRIVATE = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC = bytes.fromhex("302a300506032b6570032100")
_LENGTH = 32  # bytes, of a seed and of a point
_MOST = 4096  # bytes of a key file


def read(path: str) -> bytes | None:
    """The seed, 32 bytes; None when there is no file.

    Raises `ConfigError` for a file that others can read or that is no key, `MachineError` for
    one that cannot be read.
    """
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            pem = file.read(_MOST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise MachineError(f"cannot read {path}: {error.strerror}") from error
    if mode & 0o077:
        hint = f"chmod 600 {path}"
        from pathlib import Path

        raise ConfigError("others can read this signing key", where=Where(Path(path)), hint=hint)
    return _seed_in(pem, path)


def make(path: str) -> bool:
    """Make a key unless there is one; says whether it was this call that made it.

    Of several that come at once the first wins: a link fails where a file is. Raises
    `MachineError`.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(_pem("PRIVATE", _PRIVATE + os.urandom(_LENGTH)))
                file.flush()
                os.fsync(descriptor)
            os.link(temporary, path)
        finally:
            os.unlink(temporary)
    except FileExistsError:
        return False
    except OSError as error:
        raise MachineError(
            f"cannot make the signing key {path}: {error.strerror}",
            hint="set XDG_CONFIG_HOME to a folder that can be written to",
        ) from error
    return True


def keyid_of(point: bytes) -> str:
    """SHA-256 of the DER SubjectPublicKeyInfo, in hexadecimal digits."""
    return hashlib.sha256(_PUBLIC + point).hexdigest()


def public_der(point: bytes) -> str:
    """The public key in one line: base64 of its DER SubjectPublicKeyInfo."""
    return b64encode(_PUBLIC + point).decode()


def public_pem(point: bytes) -> str:
    """The public key as other programs read it: a PEM SubjectPublicKeyInfo."""
    return _pem("PUBLIC", _PUBLIC + point).decode()


def _pem(kind: str, der: bytes) -> bytes:
    body = b64encode(der).decode()
    return f"-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----\n".encode()


def _seed_in(pem: bytes, path: str) -> bytes:
    body = b"".join(line for line in pem.splitlines() if not line.startswith(b"-----"))
    try:
        der = b64decode(body, validate=True)
    except ValueError:
        der = b""
    if len(der) != len(_PRIVATE) + _LENGTH or not der.startswith(_PRIVATE):
        hint = "move it away, and the next run makes one"
        from pathlib import Path

        raise ConfigError("not an ed25519 key in PKCS #8", where=Where(Path(path)), hint=hint)
    return der[len(_PRIVATE) :]
