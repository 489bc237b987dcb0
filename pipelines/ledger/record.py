"""A record: one signed statement of the ledger, and the check that makes it evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.errors import PolicyError
from pipelines.ledger.envelope import Malformed, reopen, signed_bytes, unseal
from pipelines.step import Counts

if TYPE_CHECKING:
    from pipelines.ledger.keys import Keys

FORMAT = 1  # of our part of the predicate
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
NOTHING = "0" * 64  # what the first record names as the one before it
# By the type of a predicate, the field that says whether it passed.
_RESULTS = {PREDICATE: "result", SUMMARY: "verificationResult", PROVENANCE: ""}


class Rejected(Exception):
    """Why a line is no evidence, in one line."""


class Record(NamedTuple):
    """One result of one step. `id` is the SHA-256 of `line`, which has no newline."""

    id: str
    sequence: int
    previous: str
    keyid: str
    line: bytes
    statement: dict[str, Any]

    @property
    def summit(self) -> dict[str, Any]:
        """Our part of the predicate."""
        part: dict[str, Any] = self.statement["predicate"]["summit"]
        return part

    @property
    def step_id(self) -> str:
        return f"{self.summit['step']}:{self.summit['component']}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the document that lists everything the result depends on."""
        return str(self.summit["fingerprint"])

    @property
    def kind(self) -> str:
        """The type of its predicate, one of `PREDICATE`, `SUMMARY` and `PROVENANCE`."""
        return str(self.statement["predicateType"])

    @property
    def passed(self) -> bool:
        """What the predicate says; where something comes from is said of nothing that failed."""
        said = _RESULTS[self.kind]
        return not said or bool(self.statement["predicate"][said] == "PASSED")

    @property
    def seconds(self) -> float:
        return float(self.summit["seconds"])

    @property
    def log(self) -> str:
        """SHA-256 of the masked output; empty when none was kept."""
        return str(self.summit["log"])

    @property
    def outputs(self) -> Mapping[str, str]:
        """Path: octal Git mode, a space, SHA-256 of the content."""
        outputs: Mapping[str, str] = self.summit["outputs"]
        return outputs

    @property
    def counts(self) -> Counts | None:
        tests = self.summit["tests"]
        return Counts(**tests) if tests is not None else None

    @property
    def ended(self) -> str:
        """RFC 3339, UTC, milliseconds."""
        return str(self.summit["ended"])

    @property
    def gate(self) -> str:
        """Digest of what a control vouches for: the command and its tools."""
        return str(self.summit["gate"])

    @property
    def subjects(self) -> Mapping[str, str]:
        """Name: algorithm, a colon, digest."""
        return {
            it["name"]: ":".join(next(iter(it["digest"].items())))
            for it in self.statement["subject"]
        }

    @property
    def details(self) -> Mapping[str, Any]:
        """What the record of something other than a step's run says beside."""
        details: Mapping[str, Any] = self.summit.get("details", {})
        return details

    @property
    def blobs(self) -> frozenset[str]:
        """The SHA-256 of every blob it names."""
        outputs = (said.rpartition(" ")[2] for said in self.outputs.values())
        return frozenset(filter(None, (self.fingerprint, self.log, *outputs)))


def digest_of(line: bytes) -> str:
    """The id of the record that stands in the line."""
    return hashlib.sha256(line).hexdigest()


def read(line: bytes, keys: Keys) -> Record:
    """The record in a line, wherever the line comes from. Raises `Rejected`.

    It is canonical, signed by a key that may attest this step, and has the shape of a record;
    whether it stands at its place in a chain is for `follows` to say. `ConfigError` is raised for
    a keyring that cannot be read.
    """
    try:
        envelope = unseal(line)
    except Malformed as error:
        raise Rejected(f"it is {error}") from error
    record = shaped(line, envelope.keyid, envelope.statement)
    try:
        keys.check(
            envelope.keyid,
            envelope.signature,
            signed_bytes(envelope.payload),
            step=record.step_id,
            at=record.ended,
        )
    except PolicyError as error:
        raise Rejected(str(error)) from error
    return record


def recall(line: bytes) -> Record:
    """The record in a line that `read` accepted before: nothing is verified again."""
    envelope = reopen(line)
    return _record(line, envelope.keyid, envelope.statement)


def follows(record: Record, sequence: int, previous: str) -> bool:
    """Whether the record was written at this place, right after that record."""
    return record.sequence == sequence and record.previous == previous


def shaped(line: bytes, keyid: str, statement: dict[str, Any]) -> Record:
    """The record, once every part of it has been seen to be there. Raises `Rejected`."""
    try:
        is_ours = statement["_type"] == STATEMENT and statement["predicateType"] in _RESULTS
        part = statement["predicate"]["summit"]
        if not is_ours or part["format"] != FORMAT:
            raise Rejected(f"it is of a format other than {FORMAT}")
        record = _record(line, keyid, statement)
        said = (part[name] for name in ("step", "component", "previous", "ended", "gate"))
        texts = (keyid, *said, *record.blobs)
        is_whole = isinstance(part["sequence"], int) and all(isinstance(it, str) for it in texts)
        _ = (record.passed, record.seconds, record.counts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Rejected("it has not the shape of a record") from error
    if not is_whole:
        raise Rejected("it has not the shape of a record")
    return record


def _record(line: bytes, keyid: str, statement: dict[str, Any]) -> Record:
    part = statement["predicate"]["summit"]
    return Record(digest_of(line), part["sequence"], part["previous"], keyid, line, statement)
