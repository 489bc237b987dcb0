"""Who did what to which secret, and when: on record, by version ids and keyed fingerprints."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

import msgspec

from pipelines.ledger import Ledger
from pipelines.ledger.attest import Claim, attest
from pipelines.ledger.record import Record
from pipelines.secrets.check import Checked

STEP = "secret"  # a change; `secrets` is a check of all of them
CHECK = "secrets"
_SHORT = 16  # hexadecimal digits of a fingerprint


class Change(enum.Enum):
    """What was done."""

    MADE = "made"
    PUT = "put"
    USED = "made current"
    REVOKED = "revoked"
    REFUSED = "seen to be refused"


def change(
    ledger: Ledger, environment: str, done: Change, *, name: str, version: str, value: bytes = b""
) -> Record:
    """Record a change. Of the value only a fingerprint is kept that takes the local key to make."""
    told: dict[str, Any] = {
        "environment": environment,
        "change": done.value,
        "secret": name,
        "version": version,
        "fingerprint": fingerprint(ledger, name, value) if value else "",
    }
    return attest(
        ledger,
        Claim(
            step=STEP,
            component=environment,
            subjects={},
            document=msgspec.json.encode(told, order="sorted"),
            message=f"{name} {version} {done.value}",
            details=told,
        ),
    )


def checked(ledger: Ledger, environment: str, found: Iterable[Checked]) -> Record:
    """Record what a check found, secret by secret."""
    secrets = [
        {
            "name": it.declaration.name,
            "version": it.version,
            "created": it.created,
            "rotate": _days(it.declaration.rotate),
            "trouble": it.trouble,
        }
        for it in found
    ]
    troubled = [str(it["name"]) for it in secrets if it["trouble"]]
    return attest(
        ledger,
        Claim(
            step=CHECK,
            component=environment,
            subjects={},
            document=msgspec.json.encode(secrets, order="sorted"),
            passed=not troubled,
            message=f"trouble with {', '.join(troubled)}" if troubled else "",
            details={"secrets": secrets},
        ),
    )


def changes(ledger: Ledger, environment: str) -> list[Record]:
    """Every change to a secret of the environment, oldest first."""
    return ledger.history(f"{STEP}:{environment}")


def fingerprint(ledger: Ledger, name: str, value: bytes) -> str:
    """A digest of the value that cannot be guessed at without the local key."""
    _ = ledger.keys.keyid  # made now when there is none
    sealed = ledger.keys.seal(name.encode() + b"\0" + value)
    assert sealed is not None
    return sealed.hex()[:_SHORT]


def _days(seconds: float) -> str:
    return f"{seconds / 86400:.0f} d" if seconds else ""
