"""One line of the ledger: an in-toto statement in a DSSE envelope, written in exactly one way.

Sources: the envelope and its signed bytes are DSSE v1 (secure-systems-lab/dsse, `envelope.md` and
`protocol.md`), the payload type is the one that in-toto's attestation framework v1 registers.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, NamedTuple

PAYLOAD_TYPE = "application/vnd.in-toto+json"

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


class Malformed(ValueError):
    """The bytes are not an envelope as this module writes it."""


class Envelope(NamedTuple):
    """What stands in a line; nothing in it is verified yet."""

    payload: bytes
    keyid: str
    signature: bytes
    statement: dict[str, Any]


def canonical(value: object) -> bytes:
    """The one way to write a value as JSON: sorted keys, no spaces, UTF-8.

    Raises `ValueError` for what JSON has no word for: NaN, half a surrogate pair.
    """
    return _ENCODER.encode(value).encode()


def signed_bytes(payload: bytes) -> bytes:
    """What a signature is over: DSSE's pre-authentication encoding of type and payload."""
    return b"DSSEv1 %d %b %d %b" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode(),
        len(payload),
        payload,
    )


def seal(statement: dict[str, Any], keyid: str, sign: Callable[[bytes], bytes]) -> bytes:
    """The line for a statement, without its newline."""
    payload = canonical(statement)
    return _write(payload, keyid, sign(signed_bytes(payload)))


def unseal(line: bytes) -> Envelope:
    """Read a line. Raises `Malformed` unless `seal` would have written the very same bytes.

    Base64 and JSON can say one thing in many ways; were they accepted, a line could be altered
    without its signature noticing.
    """
    try:
        read = reopen(line)
        is_exact = canonical(read.statement) == read.payload
        is_exact &= _write(read.payload, read.keyid, read.signature) == line
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Malformed("not an envelope") from error
    if not is_exact or not isinstance(read.statement, dict):
        raise Malformed("not written in the ledger's own way")
    return read


def reopen(line: bytes) -> Envelope:
    """Read a line that `unseal` has seen before, without asking how it is written."""
    outer = json.loads(line)
    payload = b64decode(outer["payload"], validate=True)
    (signature,) = outer["signatures"]
    signed = b64decode(signature["sig"], validate=True)
    return Envelope(payload, signature["keyid"], signed, json.loads(payload))


def _write(payload: bytes, keyid: str, signature: bytes) -> bytes:
    return canonical(
        {
            "payload": b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": keyid, "sig": b64encode(signature).decode()}],
        }
    )
