"""The keys that sign access tokens: the current one signs, the one before it still verifies."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from services.kit.tokens import ALGORITHM


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key pair and its id, the RFC 7638 thumbprint of the public half."""

    kid: str
    public_jwk: Mapping[str, str]
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_pem(cls, pem: str) -> "SigningKey":
        """Read a PKCS #8 PEM text; raise `ValueError` when it holds no Ed25519 private key."""
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"expected an Ed25519 private key, found {type(key).__name__}")
        jwk = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return cls(kid=thumbprint(jwk), public_jwk=jwk, private=key)


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of an OKP key (RFC 7638 section 3; members by RFC 8037)."""
    members = {name: jwk[name] for name in ("crv", "kty", "x")}
    digest = sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class KeyRing:
    """The current key, and one more that is only believed.

    That is the one before, for as long as tokens it signed may live. Where replicas are restarted
    one by one, put the coming key there first, so that all believe it before the first one signs.
    """

    current: SigningKey
    previous: SigningKey | None = None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public halves as a JWK Set (RFC 7517 section 5)."""
        keys = [key for key in (self.current, self.previous) if key]
        return {
            "keys": [
                {**key.public_jwk, "kid": key.kid, "alg": ALGORITHM, "use": "sig"} for key in keys
            ]
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """Return `claims` as a JWT signed by the current key."""
        return jwt.encode(
            claims, self.current.private, algorithm=ALGORITHM, headers={"kid": self.current.kid}
        )
