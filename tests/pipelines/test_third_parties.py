"""Evidence that nobody has to take our word for: others' programs read and verify every record."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from pipelines.ledger import Keys, Ledger, Record, keyfile
from pipelines.ledger.statement import Circumstances, here, statement
from pipelines.planning.fingerprint import Fingerprint
from pipelines.step import Counts, Result, Status, Step

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
STEP = Step("test", "fabric", ("python", "-m", "pytest"))
COUNTS = Counts(run=3, passed=2, failed=1, skipped=0)
RESULTS = {
    "passed": Result(STEP, Status.PASSED, exit_code=0, seconds=1.25),
    "failed": Result(
        STEP,
        Status.FAILED,
        exit_code=1,
        counts=COUNTS,
        failed_tests=("test_a[é<&>]",),
        message="1 of 3 tests failed",
    ),
    "with outputs": Result(
        STEP, Status.PASSED, exit_code=0, outputs={"dist/ä.whl": f"100644 {'a' * 64}"}
    ),
}


class Evidence:
    """A record in the files that a third party is handed: nothing else of ours is read."""

    def __init__(self, folder: Path, ledger: Ledger, record: Record) -> None:
        self.record = folder / "record.json"
        self.inputs = folder / "inputs.json"
        self.key = folder / "key.pem"
        self.record.write_bytes(record.line)
        self.inputs.write_bytes(ledger.blobs.read(record.fingerprint))
        self.key.write_text(keyfile.public_pem(ledger.keys.point))

    @property
    def envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(self.record.read_bytes())
        return envelope

    def alter_payload(self) -> None:
        envelope = self.envelope
        payload = bytearray(b64decode(envelope["payload"]))
        payload[payload.index(b'"exitCode":') + len(b'"exitCode":')] ^= 1
        envelope["payload"] = b64encode(payload).decode()
        self.record.write_text(json.dumps(envelope))


@pytest.fixture(params=RESULTS)
def evidence(request: pytest.FixtureRequest, tmp_path: Path) -> Evidence:
    ledger = Ledger(tmp_path / "ledger", Keys(tmp_path, folder=tmp_path / "keys"))
    around = Circumstances(
        tree="4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        configuration="discovered",
        where=here({"CI_JOB_URL": "https://ci.example/1"}),
        images={"example/fabric": "b" * 64},
    )
    fingerprint = _fingerprint()
    ledger.blobs.put(fingerprint.document())
    result = RESULTS[request.param]
    ledger.append(statement(result, fingerprint, around, argv=STEP.argv, gate="", started=0.0))
    # Not the first one: a record that names its predecessor.
    record = ledger.append(
        statement(result, fingerprint, around, argv=("sh", "-c", "é\udcff"), gate="", started=1.0)
    )
    return Evidence(tmp_path, ledger, record)


def _fingerprint() -> Fingerprint:
    return Fingerprint(
        step="test",
        component="fabric",
        argv=STEP.argv,
        cwd="",
        files={"ä.py": f"100644 {'c' * 40}"},
        locks={},
        env={"DATABASE_URL": None},
        secrets={"TOKEN": True},
        tools={"pytest": "9.0.0"},
        upstream={},
        services={},
        outputs=(),
    )


def cosign_verifies(cosign: Path, evidence: Evidence) -> subprocess.CompletedProcess[str]:
    """Stock cosign: no network and no key of ours but the public one."""
    return subprocess.run(
        [
            *(cosign, "verify-blob-attestation", "--private-infrastructure"),
            *("--type", TEST_RESULT, "--key", evidence.key, "--signature", evidence.record),
            evidence.inputs,
        ],
        check=False,
        env={"HOME": str(evidence.key.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_cosign_verifies_every_record(cosign: Path, evidence: Evidence) -> None:
    outcome = cosign_verifies(cosign, evidence)

    assert (outcome.returncode, outcome.stderr) == (0, "Verified OK\n")


def test_cosign_refuses_a_record_of_which_a_bit_was_flipped(
    cosign: Path, evidence: Evidence
) -> None:
    evidence.alter_payload()

    outcome = cosign_verifies(cosign, evidence)

    assert outcome.returncode == 1
    assert "accepted signatures do not match threshold" in outcome.stderr


def test_cosign_refuses_other_inputs_than_those_the_result_is_about(
    cosign: Path, evidence: Evidence
) -> None:
    evidence.inputs.write_bytes(evidence.inputs.read_bytes().replace(b"9.0.0", b"9.0.1"))

    outcome = cosign_verifies(cosign, evidence)

    assert outcome.returncode == 1
    assert "no matching subject digest found" in outcome.stderr


def test_cosign_refuses_a_key_that_did_not_sign(
    cosign: Path, evidence: Evidence, tmp_path: Path
) -> None:
    other = Keys(tmp_path, folder=tmp_path / "other")
    evidence.key.write_text(keyfile.public_pem(other.point))

    outcome = cosign_verifies(cosign, evidence)

    assert outcome.returncode == 1
    assert "accepted signatures do not match threshold" in outcome.stderr


def test_securesystemslib_verifies_every_record(evidence: Evidence) -> None:
    envelope = Envelope.from_dict(evidence.envelope)

    envelope.verify([_public_key(evidence)], threshold=1)

    evidence.alter_payload()
    with pytest.raises(VerificationError):
        Envelope.from_dict(evidence.envelope).verify([_public_key(evidence)], threshold=1)


def _public_key(evidence: Evidence) -> SSlibKey:
    (signature,) = evidence.envelope["signatures"]
    public = load_pem_public_key(evidence.key.read_bytes())
    return SSlibKey.from_crypto(public, keyid=signature["keyid"])


def test_every_record_is_an_in_toto_statement(evidence: Evidence) -> None:
    payload = b64decode(evidence.envelope["payload"])
    message = json_format.Parse(payload, StatementMessage())

    Statement.copy_from_pb(message).validate()
    assert message.predicate_type == TEST_RESULT
    assert [(each.name, *each.digest) for each in message.subject] == [
        ("worktree", "gitTree"),
        ("inputs", "sha256"),
        ("example/fabric", "sha256"),
    ]


def test_every_predicate_is_a_test_result(evidence: Evidence) -> None:
    predicate = json.loads(b64decode(evidence.envelope["payload"]))["predicate"]
    assert predicate.pop("summit")  # the one extension; the specification allows for any

    # Raises for any field that it does not know.
    result = json_format.ParseDict(predicate, test_result_pb2.TestResult())

    assert result.result in {"PASSED", "FAILED"}
    for configuration in result.configuration:
        ResourceDescriptor.copy_from_pb(configuration).validate()
