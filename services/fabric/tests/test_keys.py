"""The keys that sign access tokens."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.fabric.keys import KeyRing, SigningKey, thumbprint


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def new_key():
    return SigningKey.from_pem(pem(ed25519.Ed25519PrivateKey.generate()))


def test_the_thumbprint_is_that_of_the_example_in_rfc_8037():
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_token_names_the_current_key_and_verifies_with_what_is_published():
    ring = KeyRing(new_key(), new_key())

    token = ring.sign({"sub": "tower-1"})

    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(ring.jwks()).keys}
    kid = jwt.get_unverified_header(token)["kid"]
    assert kid == ring.current.kid
    assert jwt.decode(token, keys[kid], algorithms=["EdDSA"]) == {"sub": "tower-1"}


def test_after_a_rotation_both_keys_are_published():
    before = KeyRing(new_key())
    after = KeyRing(new_key(), previous=before.current)

    published = [key["kid"] for key in after.jwks()["keys"]]

    assert published == [after.current.kid, before.current.kid]


def test_nothing_private_is_published_or_printed():
    ring = KeyRing(new_key())

    (published,) = ring.jwks()["keys"]

    assert published.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
    assert "private" not in repr(ring)


def test_a_key_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="expected an Ed25519 private key, found"):
        SigningKey.from_pem(pem(ec.generate_private_key(ec.SECP256R1())))


def test_what_is_no_key_is_refused():
    with pytest.raises(ValueError, match="PEM"):
        SigningKey.from_pem("changeme")
