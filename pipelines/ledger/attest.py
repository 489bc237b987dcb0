"""Evidence of what is no run of a step: a release, a decision, a deploy, a secret replaced.

Sources: in-toto Statement v1; SLSA's provenance v1 and verification summary v1. The signed record
has the parts of a step's record, so that all of the ledger is shown, chained and checked alike.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.ledger.record import FORMAT, PREDICATE, STATEMENT, Record
from pipelines.ledger.statement import here, timestamp

if TYPE_CHECKING:
    from pipelines.ledger.store import Ledger


_FILE = "100644"  # Git's mode of a plain file, as outputs of steps have one


class Claim(NamedTuple):
    """What is claimed.

    `step` and `component` are what it is found by (`deploy` of `staging`), and what a keyring
    grants. `subjects` maps names to `ALGORITHM:DIGEST`. `document` is everything the result depends
    on, canonical JSON; it becomes a blob, and its SHA-256 the record's fingerprint. `details` are
    plain values for those who read the record. `predicate` holds the fields of a `kind` other than
    a test result. `documents` maps names to the SHA-256 of blobs that belong to the claim.
    """

    step: str
    component: str
    subjects: Mapping[str, str]
    document: bytes
    passed: bool = True
    message: str = ""
    details: Mapping[str, Any] = {}
    kind: str = PREDICATE
    predicate: Mapping[str, Any] = {}
    started: float = 0.0  # seconds since the epoch; 0 for now
    documents: Mapping[str, str] = {}
    log: bytes = b""  # what was said meanwhile, secrets masked


def attest(ledger: Ledger, claim: Claim) -> Record:
    """Sign the claim and append it; once this returns, it survives a power cut.

    Raises `MachineError` when it cannot be written.
    """
    ended = time.time()
    started = claim.started or ended
    fingerprint = ledger.blobs.put(claim.document)
    result = {"result": "PASSED" if claim.passed else "FAILED"} if claim.kind == PREDICATE else {}
    around = here()
    configuration = [{"name": claim.step, "digest": {"sha256": fingerprint}}]
    predicate = {
        **claim.predicate,
        **result,
        **({"configuration": configuration} if claim.kind == PREDICATE else {}),
        "summit": {
            "format": FORMAT,
            "step": claim.step,
            "component": claim.component,
            "argv": [],
            "exitCode": None,
            "tools": {},
            "started": timestamp(started),
            "ended": timestamp(ended),
            "seconds": ended - started,
            "tests": None,
            "log": ledger.blobs.put(claim.log) if claim.log else "",
            "fingerprint": fingerprint,
            "outputs": {name: f"{_FILE} {it}" for name, it in claim.documents.items()},
            "where": {**around, "by": _person()},
            "attempt": 1,
            "message": claim.message,
            "gate": "",
            "details": dict(claim.details),
        },
    }
    return ledger.append(
        {
            "_type": STATEMENT,
            "subject": [_subject(*item) for item in sorted(claim.subjects.items())],
            "predicateType": claim.kind,
            "predicate": predicate,
        }
    )


def _subject(name: str, digest: str) -> dict[str, Any]:
    algorithm, _, value = digest.partition(":")
    return {"name": name, "digest": {algorithm: value}}


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
