"""Tokens of any role for tests, as fabric would sign them."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from services.kit.clock import Clock, now
from services.kit.tokens import ALGORITHM, AUDIENCE, ISSUER, Role, Verifier


class TestIssuer:
    """Mints tokens as fabric would, with a key of its own, and gives the matching `Verifier`."""

    __test__ = False

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock
        self.key = Ed25519PrivateKey.generate()
        self.kid = secrets.token_hex(4)

    async def jwks(self) -> Mapping[str, Any]:
        """Return the public key as a JWK Set."""
        jwk = OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}]}

    def verifier(self) -> Verifier:
        return Verifier(self.jwks, clock=self._clock)

    def token(self, *roles: Role, subject: str = "tester", **claims: Any) -> str:
        """Return a token that lives ten minutes; `claims` replace or add to the usual ones."""
        issued_at = self._clock()
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "roles": [role.value for role in roles],
            "iat": issued_at,
            "exp": issued_at + timedelta(minutes=10),
        }
        return jwt.encode(
            {**usual, **claims}, self.key, algorithm=ALGORITHM, headers={"kid": self.kid}
        )

    def headers(self, *roles: Role, subject: str = "tester") -> dict[str, str]:
        """Return the header that makes a request one of a caller with `roles`."""
        return {"Authorization": f"Bearer {self.token(*roles, subject=subject)}"}
