"""No release is promoted on less than its policy asks for, and each refusal is on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from pipelines.deploy import admission
from pipelines.deploy.admission import Refused
from tests.policy.proof import POLICY, Proof, release_of


def unproven(proof: Proof) -> None:
    proof.gather(without="test of kit")


def stale(proof: Proof) -> None:
    proof.gather()
    proof.step("lint:web", ago=timedelta(days=8))(proof.ledger)


def other_environment(proof: Proof) -> None:
    proof.gather(without="smoke in staging")
    proof.told("smoke", where="production")(proof.ledger)


def other_key(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: lint,", "gate: lint, roles: [ci],"))
    proof.gather()


def re_tagged(proof: Proof) -> None:
    proof.gather()
    images = {"web": "127.0.0.1:5000/web@sha256:" + "f" * 64}
    proof.release = msgspec.structs.replace(proof.release, images=images)


def uncontrolled(proof: Proof) -> None:
    proof.gather(without="control, fault")


def skipped_staging(proof: Proof) -> None:
    proof.gather()
    proof.told("deploy", of=release_of("something else"))(proof.ledger)


@pytest.mark.parametrize(
    ("case", "verdict", "mend"),
    [
        (unproven, "MISSING", "inv test "),
        (stale, "STALE", "inv lint --strict-inputs "),
        (other_environment, "MISSING", "inv smoke --env staging"),
        (other_key, "WRONG-KEY", "(with a key of the role ci)"),
        (re_tagged, "WRONG-DIGEST", "inv deploy staging --release "),
        (uncontrolled, "UNCONTROLLED", "inv controls"),
        (skipped_staging, "WRONG-DIGEST", "inv deploy staging --release "),
    ],
)
def test_a_release_is_refused_with_what_would_mend_it(
    tmp_path: Path, case: Callable[[Proof], None], verdict: str, mend: str
) -> None:
    proof, said = Proof(tmp_path), list[str]()
    case(proof)

    with pytest.raises(Refused) as raised:
        admission.require(proof.ledger, proof.environment, proof.release, say=said.append)

    assert raised.value.exit_code == 3
    assert verdict in said[0]
    assert mend in said[0]
    record = proof.ledger.latest("policy:production")
    assert record
    assert not record.passed
    assert verdict in record.summit["message"]


def test_a_release_with_all_its_evidence_is_let_in_and_that_is_on_record(proof: Proof) -> None:
    admission.require(proof.ledger, proof.environment, proof.release, say=lambda _: None)

    record = proof.ledger.latest("policy:production")
    assert record
    assert record.passed
