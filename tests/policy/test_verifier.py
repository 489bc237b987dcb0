"""What each requirement asks for, and that no evidence less will do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from pipelines.errors import CannotTell, ConfigError
from pipelines.ledger import Keys, Ledger
from pipelines.ledger.keyfile import public_der
from pipelines.ledger.record import SUMMARY
from pipelines.policy import Verdict
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

    assert proof.line("lint").verdict is Verdict.STALE


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
        ("policy: [{same_digests_as: satging}]", "no environment called 'satging'"),
        ("policy: [{gate: smoke, subject: environment}]", "belong together"),
        ("waivers: [{gate: lint, reason: later, expires: 2030-01-01}]", "owner"),
        ("engine: kubernetes", "no engine called 'kubernetes'"),
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
