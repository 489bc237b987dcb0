"""How the value of a secret is made, where nobody but the system itself has to know it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def _password() -> bytes:
    return secrets.token_urlsafe(32).encode()  # 256 bits


def _ed25519() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _webhook() -> bytes:
    return b"http://host.docker.internal:9099/"  # this machine, for who listens there


def _empty() -> bytes:
    return b""  # what only its owner can know, and development does without


# By the word `generate` under a secret's `x-summit`.
GENERATORS: dict[str, Callable[[], bytes]] = {
    "password": _password,
    "ed25519": _ed25519,
    "webhook": _webhook,
    "empty": _empty,
}
FOR_DEVELOPMENT = frozenset(("webhook", "empty"))  # an environment is given the real ones
