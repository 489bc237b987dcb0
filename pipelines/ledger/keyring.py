"""Keyrings: which key may attest which steps, and until when.

A keyring is a YAML list. Each entry has `key` (an ed25519 public key: PEM, or the base64 of its DER
SubjectPublicKeyInfo) and `steps` (globs over step ids `NAME:COMPONENT`), and may have `until`
(RFC 3339), `name`, and `role`, which policies ask for.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from pipelines.documents import document, shapes
from pipelines.documents.document import Entry
from pipelines.errors import PolicyError, Where
from pipelines.ledger.keyfile import keyid_of

_SHORT = 12  # digits of a keyid that are shown
_ENTRY = shapes.Keys(
    {**dict.fromkeys(("name", "key", "until", "role"), shapes.TEXT), "steps": shapes.TEXTS},
    required=("key", "steps"),
)


@dataclass(frozen=True)
class Grant:
    """One entry: what a key may attest. Without `until` it may for good."""

    keyid: str
    point: bytes
    name: str
    steps: tuple[str, ...]
    until: datetime | None
    where: Where
    role: str = ""

    def covers(self, step: str) -> bool:
        return any(fnmatchcase(step, glob) for glob in self.steps)


@dataclass(frozen=True)
class Keyring:
    """The entries of all keyrings: a key may do what any of them allows."""

    grants: tuple[Grant, ...]

    def point_of(self, keyid: str) -> bytes:
        """The public key. Raises `PolicyError` for one that stands in no keyring."""
        for grant in self.grants:
            if grant.keyid == keyid:
                return grant.point
        raise PolicyError(
            f"no keyring knows the key {keyid[:_SHORT]}",
            hint="enter it in keyring.yaml to trust what it signed",
        )

    def check(self, keyid: str, *, step: str, at: str) -> None:
        """Raises `PolicyError`, naming the entry, unless the key may attest the step at the time.

        The time, RFC 3339, is what the signer says it is: a key that is lost must be removed.
        """
        grants = [grant for grant in self.grants if grant.keyid == keyid]
        covering = [grant for grant in grants if grant.covers(step)]
        if not covering:
            may = ", ".join(grants[0].steps) or "nothing"
            raise PolicyError(
                f"the key {grants[0].name} may attest {may}, not {step}", where=grants[0].where
            )
        try:
            time = _moment(at)
        except ValueError:
            raise PolicyError(f"it says no time: {at!r}") from None
        ends = [grant.until for grant in covering if grant.until]
        if len(ends) == len(covering) and time > max(ends):
            last, until = covering[ends.index(max(ends))], max(ends).isoformat()
            raise PolicyError(
                f"the key {last.name} could attest {step} until {until}, not at {at}",
                where=last.where,
            )


def read(files: Iterable[Path]) -> Keyring:
    """The keyrings that exist. Raises `ConfigError` with file and line for a wrong one."""
    entries = [entry for file in files if file.exists() for entry in _entries(file)]
    return Keyring(tuple(map(_grant, entries)))


def _entries(file: Path) -> list[Entry]:
    whole = document.read(file)
    shapes.check(whole, shapes.List(_ENTRY))
    return whole.items


def _grant(entry: Entry) -> Grant:
    fields = entry.fields
    point = _point(fields["key"])
    keyid = keyid_of(point)
    return Grant(
        keyid=keyid,
        point=point,
        name=fields["name"].text if "name" in fields else keyid[:_SHORT],
        steps=tuple(glob.text for glob in fields["steps"].items),
        until=_until(fields["until"]) if "until" in fields else None,
        where=entry.where,
        role=fields["role"].text if "role" in fields else "",
    )


def _point(entry: Entry) -> bytes:
    text = entry.text.strip()
    try:
        if text.startswith("-----"):
            public = load_pem_public_key(text.encode())
        else:
            public = load_der_public_key(b64decode("".join(text.split()), validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise entry.error(
            "not a public key", hint="`inv ledger.key` prints the one of a machine"
        ) from error
    if not isinstance(public, Ed25519PublicKey):
        raise entry.error("not an ed25519 key")
    return public.public_bytes_raw()


def _until(entry: Entry) -> datetime:
    try:
        until = _moment(entry.text)
    except ValueError as error:
        raise entry.error("not a time", hint="write it as 2030-01-31T00:00:00Z") from error
    return until


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text}")
    return moment
