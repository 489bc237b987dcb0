"""What each requirement asks for, and that no evidence less will do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2

from pipelines.errors import CannotTell, ConfigError
from pipelines.ledger import Keys, Ledger
from pipelines.ledger.keyfile import public_der
from pipelines.ledger.record import SUMMARY
from pipelines.policy import Verdict, release_of as release_to_decide
from pipelines.policy.record import record
from tests.policy.proof import FAILED, POLICY, Proof, release_of


def test_with_all_the_evidence_it_is_allowed(proof: Proof) -> None:
    assert proof.decide(), proof.decide().text()


@pytest.mark.parametrize(
    "dropped",
    [
        "lint of kit",
        "lint of web",
        "test of kit",
        "control, fault",
        "control, clean",
        "smoke in staging",
        "deploy to staging",
    ],
)
def test_each_record_that_is_dropped_flips_the_decision(tmp_path: Path, dropped: str) -> None:
    proof = Proof(tmp_path)
    proof.gather(without=dropped)
    assert set(proof.records) >= {dropped}
    assert not proof.decide()

    proof.records[dropped](proof.ledger)

    assert proof.decide(), proof.decide().text()


def test_every_refusal_has_the_command_that_mends_it(tmp_path: Path) -> None:
    lines = Proof(tmp_path).decide().lines

    assert [line.verdict for line in lines] == [Verdict.MISSING] * 4
    assert [line.mend.partition("   ")[0] for line in lines] == [
        "inv lint",
        "inv test",
        "inv smoke --env staging",
        f"inv deploy staging --release {Proof(tmp_path).release.short}",
    ]


def test_a_failure_after_success_counts(proof: Proof) -> None:
    proof.step("lint:web", **FAILED)(proof.ledger)

    assert proof.line("lint").verdict is Verdict.FAIL


def test_what_passed_too_long_ago_is_stale(proof: Proof) -> None:
    proof.step("lint:web", ago=timedelta(days=8))(proof.ledger)

    line = proof.line("lint")
    assert line.verdict is Verdict.STALE
    assert line.mend.startswith("inv lint --strict-inputs ")  # else what holds is not run again


def test_evidence_of_other_inputs_is_of_the_wrong_digest(tmp_path: Path) -> None:
    proof = Proof(tmp_path)
    proof.gather(without="lint of web")
    proof.step("lint:web", inputs="before the change")(proof.ledger)

    assert proof.line("lint").verdict is Verdict.WRONG_DIGEST


@pytest.mark.parametrize(("step", "asked"), [("smoke", "smoke"), ("deploy", "the same digests")])
def test_evidence_of_another_release_is_of_the_wrong_digest(
    tmp_path: Path, step: str, asked: str
) -> None:
    proof = Proof(tmp_path)
    proof.gather(without=f"{step} in staging" if step == "smoke" else "deploy to staging")
    proof.told(step, of=release_of("another"))(proof.ledger)

    assert proof.line(asked).verdict is Verdict.WRONG_DIGEST


def test_a_release_that_was_rolled_back_from_is_not_what_staging_stands_at(proof: Proof) -> None:
    proof.told("rollback", of=release_of("before"))(proof.ledger)

    assert proof.line("the same digests").verdict is Verdict.WRONG_DIGEST


def test_evidence_from_another_environment_is_none(tmp_path: Path) -> None:
    proof = Proof(tmp_path)
    proof.gather(without="smoke in staging")
    proof.told("smoke", where="production")(proof.ledger)

    assert proof.line("smoke").verdict is Verdict.MISSING


def test_an_image_that_was_tagged_anew_makes_another_release(proof: Proof) -> None:
    images = {"web": "127.0.0.1:5000/web@sha256:" + "f" * 64}
    proof.release = msgspec.structs.replace(proof.release, images=images)

    assert proof.line("the same digests").verdict is Verdict.WRONG_DIGEST
    assert proof.line("smoke").verdict is Verdict.WRONG_DIGEST


def test_a_key_without_the_role_will_not_do(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: lint,", "gate: lint, roles: [ci],"))

    assert proof.line("lint").verdict is Verdict.WRONG_KEY


def test_a_key_has_the_role_that_its_keyring_says(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: lint,", "gate: lint, roles: [ci],"))
    keys = proof.ledger.keys
    entry = f'- {{name: runner, key: {public_der(keys.point)}, steps: ["*"], role: ci}}\n'
    (proof.root / "keyring.yaml").write_text(entry)

    assert proof.line("lint").verdict is Verdict.PASS


def test_a_gate_that_nothing_has_shown_to_fail_is_uncontrolled(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: lint,", "gate: lint, controlled: true,"))

    assert proof.line("lint").verdict is Verdict.UNCONTROLLED


def test_to_try_again_until_it_passes_does_not_count(tmp_path: Path) -> None:
    proof = Proof(tmp_path)
    proof.step("test:kit", **FAILED)(proof.ledger)
    proof.gather()

    line = proof.line("test")
    assert line.verdict is Verdict.FAIL
    assert "failed 1 times on the same inputs" in line.said


def test_what_says_it_is_from_the_future_is_never_fresh(proof: Proof) -> None:
    proof.step("lint:web", ago=timedelta(days=-300))(proof.ledger)

    line = proof.line("lint")
    assert line.verdict is Verdict.STALE
    assert "dated 300d ahead" in line.said


def test_a_key_has_its_role_only_for_the_steps_it_was_given_it_for(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: test,", "gate: test, roles: [ci],"))
    key = public_der(proof.ledger.keys.point)
    (proof.root / "keyring.yaml").write_text(
        f'- {{key: {key}, steps: ["lint:*"], role: ci}}\n- {{key: {key}, steps: ["*"]}}\n'
    )

    assert proof.line("test").verdict is Verdict.WRONG_KEY


def test_nobody_gives_themselves_a_role(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: lint,", "gate: lint, roles: [ci],"))
    key = public_der(proof.ledger.keys.point)
    own = proof.root / "keys" / "keyring.yaml"
    own.write_text(f'- {{key: {key}, steps: ["*"], role: ci}}\n')

    assert proof.line("lint").verdict is Verdict.WRONG_KEY


def test_a_role_that_has_ended_is_none(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: lint,", "gate: lint, roles: [ci],"))
    key = public_der(proof.ledger.keys.point)
    (proof.root / "keyring.yaml").write_text(
        f'- {{key: {key}, steps: ["*"], role: ci, until: "2020-01-01T00:00:00Z"}}\n'
        f'- {{key: {key}, steps: ["*"]}}\n'
    )

    assert proof.line("lint").verdict is Verdict.WRONG_KEY


def test_a_deploy_of_the_release_that_failed_later_counts(proof: Proof) -> None:
    proof.told("deploy", passed=False)(proof.ledger)

    assert proof.line("the same digests").verdict is Verdict.FAIL


def test_a_failed_deploy_of_another_release_changes_nothing(proof: Proof) -> None:
    proof.told("deploy", of=release_of("worse"), passed=False)(proof.ledger)

    assert proof.decide()


@pytest.mark.parametrize(
    ("limit", "verdict"), [("max_age: 1s", Verdict.STALE), ("roles: [ci]", Verdict.WRONG_KEY)]
)
def test_a_deploy_elsewhere_is_held_to_the_same_limits(
    proof: Proof, limit: str, verdict: Verdict
) -> None:
    proof.write(POLICY.replace("as: staging", f"as: staging, {limit}"))
    proof.now += timedelta(minutes=1)

    assert proof.line("the same digests").verdict is verdict


def test_a_release_may_have_to_be_made_by_somebody_in_particular(proof: Proof) -> None:
    proof.write("policy: [{gate: release, subject: release, roles: [ci]}]")
    assert proof.line("release").verdict is Verdict.MISSING

    proof.told("release", where="system")(proof.ledger)

    assert proof.line("release").verdict is Verdict.WRONG_KEY


@pytest.mark.parametrize("limit", ["min_tests: 13", "max_skipped: 0"])
def test_tests_that_did_not_run_do_not_count(proof: Proof, limit: str) -> None:
    proof.write(f"policy: [{{gate: test, {limit}}}]")

    assert proof.line("test").verdict is Verdict.FAIL


def test_a_waiver_stands_in_with_its_owner_and_its_end(tmp_path: Path) -> None:
    proof = Proof(tmp_path)
    proof.gather(without="lint of web")
    day = (proof.now + timedelta(days=30)).date()
    waiver = f"waivers: [{{gate: lint, owner: ops, reason: a false alarm, expires: {day}}}]\n"
    proof.write(POLICY + waiver)

    decision = proof.decide()
    assert decision
    assert f"waived by ops: a false alarm, until {day}" in proof.line("lint").said
    assert any("waived by ops" in it for it in decision.unproven)


@pytest.mark.parametrize(
    ("days", "said"), [(-1, "the waiver expired"), (31, "may last 30 days, not longer")]
)
def test_a_waiver_ends_within_a_month(proof: Proof, days: int, said: str) -> None:
    day = (proof.now + timedelta(days=days)).date()
    waiver = f"waivers: [{{gate: lint, owner: ops, reason: later, expires: {day}}}]\n"
    proof.write(POLICY + waiver)

    with pytest.raises(ConfigError, match=said) as raised:
        proof.decide()
    assert raised.value.where
    assert raised.value.where.line == 7


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("policy: [{gate: lint, max_aeg: 7d}]", "max_aeg: unknown key"),
        ("policy: [{gate: lint, max_age: soon}]", "not a time"),
        ("policy: [{gate: lint, subject: moon}]", "no subject 'moon'"),
        ("policy: [{max_age: 7d}]", "needs either `gate` or `same_digests_as`"),
        ("policy: [{gate: lint, roles: []}]", "no role is named"),
        ("policy: [{same_digests_as: satging}]", "no environment called 'satging'"),
        ("policy: [{gate: smoke, subject: environment}]", "belong together"),
        ("policy: [{same_digests_as: staging, min_tests: 1}]", "does not go with `min_tests`"),
        ("waivers: [{gate: lint, reason: later, expires: 2030-01-01}]", "owner"),
        (
            "{policy: [{gate: lint}], waivers: [{gate: lnit, owner: ops, reason: r, expires: x}]}",
            "no requirement of 'lnit'; did you mean 'lint'?",
        ),
        (
            "{policy: [{gate: lint}], waivers: [{gate: lint, owner: ' ', reason: r, expires: x}]}",
            "a waiver without owner",
        ),
        (
            "{policy: [{gate: lint}], waivers: [{gate: lint, owner: o, reason: r, expires: soon}]}",
            "not a day",
        ),
        ("engine: kubernetes", "no engine called 'kubernetes'"),
        ("address: everywhere", "'everywhere' is no address to listen at"),
    ],
)
def test_what_is_written_wrong_is_refused_with_its_line(
    proof: Proof, policy: str, said: str
) -> None:
    proof.write(f"{policy}\n")

    with pytest.raises(ConfigError) as raised:
        proof.decide()
    assert said in str(raised.value)
    assert str(raised.value).startswith("environments/production.yaml:1:")


def test_a_damaged_ledger_can_neither_allow_nor_refuse(proof: Proof) -> None:
    file = proof.root / "ledger" / "records.jsonl"
    first, rest = file.read_bytes().split(b"\n", 1)
    file.write_bytes(first[:-20] + b"A" * 20 + b"\n" + rest)

    with pytest.raises(CannotTell):
        proof.decide()


def test_another_machines_evidence_counts_once_its_key_is_known(proof: Proof) -> None:
    theirs = Keys(proof.root, folder=proof.root / "theirs")
    foreign = Ledger(proof.root / "ledger", theirs)
    (proof.root / "keyring.yaml").write_text(
        f'- {{key: {public_der(proof.ledger.keys.point)}, steps: ["*"]}}\n'
    )
    proof.step("lint:web", **FAILED)(foreign)

    with pytest.raises(CannotTell, match="no keyring knows the key"):
        proof.decide()


def test_an_expired_waiver_stops_no_rollback(proof: Proof) -> None:
    proof.write(POLICY + "waivers: [{gate: lint, owner: o, reason: r, expires: 2020-01-01}]\n")

    assert proof.environment.waivers


def test_a_keyring_that_cannot_be_read_can_neither_allow_nor_refuse(proof: Proof) -> None:
    (proof.root / "keyring.yaml").write_text("- {key: none}\n")

    with pytest.raises(CannotTell, match="keyring"):
        proof.decide()


def test_without_a_release_nothing_can_be_told(tmp_path: Path) -> None:
    with pytest.raises(CannotTell, match="there is no release yet"):
        release_to_decide(Proof(tmp_path).ledger, "")


def test_it_says_that_one_key_alone_signed_everything(proof: Proof) -> None:
    assert any("nobody else has looked" in it for it in proof.decide().unproven)


def test_a_machine_reads_the_same_decision(proof: Proof) -> None:
    proof.write(POLICY.replace("gate: lint,", "gate: lint, controlled: true,"))

    said = json.loads(proof.decide().json())

    assert said["allowed"] is False
    assert [it["verdict"] for it in said["lines"]] == ["UNCONTROLLED", "PASS", "PASS", "PASS"]
    assert said["lines"][0]["mend"] == "inv controls"


def test_a_decision_is_a_verification_summary_that_others_can_read(proof: Proof) -> None:
    made = record(proof.ledger, proof.decide())

    predicate = dict(made.statement["predicate"])
    assert predicate.pop("summit")  # the one extension; the specification allows for any
    # The specification has a list there, the library's schema of it a single text.
    assert predicate.pop("verifiedLevels") == []
    # Raises for any other field that it does not know.
    summary = json_format.ParseDict(predicate, vsa_pb2.VerificationSummary())
    assert summary.verification_result == "PASSED"
    assert summary.policy.uri == "environments/production.yaml"
    assert len(summary.input_attestations) == len(proof.decide().records)


def test_every_decision_is_recorded_with_what_it_was_made_from(proof: Proof) -> None:
    decision = proof.decide()

    made = record(proof.ledger, decision)

    assert made.kind == SUMMARY
    assert made.passed
    predicate = made.statement["predicate"]
    assert predicate["policy"]["digest"]["sha256"] == proof.environment.digest
    named = {it["digest"]["sha256"] for it in predicate["inputAttestations"]}
    assert named == {it.id for it in decision.records}
    assert made.subjects["release"] == f"sha256:{proof.release.id}"
