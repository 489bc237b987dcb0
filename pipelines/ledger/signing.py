"""Ed25519 by the cryptography library: imported when a run first signs or verifies something."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_MOST = 64  # keys kept ready


def point_of(seed: bytes) -> bytes:
    """The public key of a private one: 32 bytes of 32 bytes."""
    return _private(seed).public_key().public_bytes_raw()


def sign(seed: bytes, data: bytes) -> bytes:
    """The signature: 64 bytes."""
    return _private(seed).sign(data)


def holds(point: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the signature over the data is by this public key."""
    try:
        _public(point).verify(signature, data)
    except InvalidSignature:
        return False
    return True


@lru_cache(_MOST)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache(_MOST)
def _public(point: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(point)
