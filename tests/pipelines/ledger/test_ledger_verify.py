"""Nothing that is done to a ledger goes unnoticed."""

from __future__ import annotations

import json
import random
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.ledger import Ledger, Record
from pipelines.ledger.checkpoint import Checkpoint, parse
from pipelines.ledger.envelope import seal
from pipelines.ledger.live import KEPT
from pipelines.ledger.verify import verify
from pipelines.step import Status
from tests.pipelines.ledger.sample import NOON, Sample, claim

COUNT = 6
LONG_AGO = NOON - KEPT - timedelta(days=1)


@pytest.fixture
def records(sample: Sample) -> list[Record]:
    """A few records, of one step and on one set of inputs, so that they differ in nothing else."""
    return [sample.add(attempt=number) for number in range(COUNT)]


def short(record: Record) -> str:
    return f"record {record.sequence} (test:kit, {record.id[:12]})"


def test_an_untouched_ledger_holds(sample: Sample, records: list[Record]) -> None:
    found = sample.verify()

    assert found
    assert (found.count, found.head) == (COUNT, records[-1].id)
    assert found.signers == {sample.keys.keyid: COUNT}


def test_no_ledger_holds(sample: Sample) -> None:
    assert sample.verify()
    assert sample.verify().checkpoint == Checkpoint(0, "0" * 64)


def test_a_deleted_record_is_named_by_the_one_after_it(
    sample: Sample, records: list[Record]
) -> None:
    lines = sample.lines
    sample.write(*lines[:2], *lines[4:])

    assert sample.faults() == [
        f"record 2 (test:kit, {records[4].id[:12]}): written as record 4: 2 before it missing"
    ]


def test_a_duplicated_record_is_named(sample: Sample, records: list[Record]) -> None:
    lines = sample.lines
    sample.write(*lines[:4], lines[1], *lines[4:])

    assert sample.faults() == [
        f"record 4 (test:kit, {records[1].id[:12]}): written as record 1: a copy, or moved here"
    ]


def test_swapped_records_are_named(sample: Sample, records: list[Record]) -> None:
    lines = sample.lines
    sample.write(*lines[:2], lines[3], lines[2], *lines[4:])

    assert sample.faults() == [
        f"record 2 (test:kit, {records[3].id[:12]}): written as record 3: 1 before it missing",
        f"record 3 (test:kit, {records[2].id[:12]}): written as record 2: a copy, or moved here",
    ]


def test_an_altered_record_is_the_only_one_named(sample: Sample, records: list[Record]) -> None:
    lines = sample.lines
    envelope = json.loads(lines[2])
    statement = json.loads(b64decode(envelope["payload"]))
    statement["predicate"]["result"] = "FAILED"
    altered = seal(statement, envelope["signatures"][0]["keyid"], lambda _: bytes(64))
    sample.write(*lines[:2], altered, *lines[3:])

    (fault,) = sample.faults()
    assert fault.startswith("record 2 (test:kit, ")
    assert fault.endswith("): its signature does not hold")


@pytest.mark.parametrize(
    "respelt",
    [
        lambda line: line.replace(b'":"', b'": "', 1),
        lambda line: b" " + line,
        lambda line: line.replace(b"application/", b"application\\/"),
        lambda line: line.replace(b'{"payload"', b'{"payload":1,"payload"'),
        lambda line: line.replace(b'"payloadType"', b'"note":1,"payloadType"'),
    ],
    ids=["space", "indent", "escape", "key twice", "key more"],
)
def test_other_bytes_of_the_same_meaning_are_refused(
    sample: Sample, records: list[Record], respelt: Callable[[bytes], bytes]
) -> None:
    lines = sample.lines
    sample.write(*lines[:1], respelt(lines[1]), *lines[2:])

    (fault,) = sample.faults()
    assert fault.endswith("it is not written in the ledger's own way")


def test_bits_that_base64_does_not_read_are_guarded_too(sample: Sample) -> None:
    """The last character before the padding has bits that decode to nothing."""
    line = sample.add().line
    padded = next(made for made in (line, sample.add(message="x").line) if b'=="' in made)
    at = padded.index(b'=="') - 1
    sample.write(padded[:at] + bytes([padded[at] + 1]) + padded[at + 1 :])

    assert sample.faults()[0].endswith("it is not written in the ledger's own way")


def test_a_record_of_another_ledger_is_named(sample: Sample, records: list[Record]) -> None:
    other = Ledger(sample.folder / "other", sample.keys)
    replayed = [other.append(claim(attempt=9)) for _ in range(2)][-1]
    lines = sample.lines
    sample.write(lines[0], replayed.line, *lines[2:])

    reason = "not written after the record that stands before it"
    assert sample.faults() == [
        f"record 1 (test:kit, {replayed.id[:12]}): {reason}",
        f"record 2 (test:kit, {records[2].id[:12]}): {reason}",
    ]


def test_an_unfinished_line_is_said_and_is_no_fault(sample: Sample, records: list[Record]) -> None:
    with sample.file.open("ab") as file:
        file.write(b'{"payl')

    found = sample.verify()
    assert found
    assert (found.count, found.unfinished) == (COUNT, 6)


def test_an_unfinished_line_that_the_checkpoint_knows_is_a_fault(
    sample: Sample, records: list[Record]
) -> None:
    checkpoint = sample.verify().checkpoint
    sample.file.write_bytes(sample.file.read_bytes()[:-1])

    assert sample.faults(checkpoint) == [
        f"record 5 (?, {records[5].id[:12]}): the checkpoint knows 6 records, and 5 are left"
    ]


def test_an_older_checkpoint_holds_after_more_was_appended(sample: Sample) -> None:
    sample.add()
    checkpoint = sample.verify().checkpoint
    sample.add()

    assert sample.verify(checkpoint)


def test_a_ledger_rebuilt_with_the_same_key_is_found_by_a_checkpoint_only(
    sample: Sample, records: list[Record]
) -> None:
    checkpoint = sample.verify().checkpoint
    sample.file.unlink()
    rebuilt = [sample.add(attempt=number + 1) for number in range(COUNT)]

    assert sample.verify()
    assert sample.faults(checkpoint) == [
        f"{short(rebuilt[-1])}: not the record that the checkpoint knows, {records[-1].id[:12]}"
    ]


def test_a_checkpoint_is_read_as_it_was_printed() -> None:
    checkpoint = Checkpoint(12, "ab" * 32)

    assert parse(f"{checkpoint}\n") == checkpoint


@pytest.mark.parametrize("text", ["", "12", f"{Checkpoint(1, 'a' * 64)} and more"])
def test_anything_else_is_no_checkpoint(text: str) -> None:
    with pytest.raises(ConfigError, match=r"not a checkpoint: .*; give the line that `inv ledger"):
        parse(text)


def test_a_missing_blob_of_a_live_record_is_a_fault(sample: Sample) -> None:
    made = sample.add()
    Path(sample.ledger.blobs.path(made.fingerprint)).unlink()

    assert sample.faults() == [f"{short(made)}: its blob {made.fingerprint[:12]} is gone"]


def test_a_missing_blob_of_a_superseded_record_was_collected(sample: Sample) -> None:
    old = sample.add(inputs="old", ended=LONG_AGO)
    sample.add(inputs="new")
    Path(sample.ledger.blobs.path(old.fingerprint)).unlink()

    found = sample.verify()
    assert found
    assert found.collected == 1


def test_a_damaged_blob_is_a_fault_even_of_a_superseded_record(sample: Sample) -> None:
    old = sample.add(inputs="old", ended=LONG_AGO)
    sample.add(inputs="new")
    blob = Path(sample.ledger.blobs.path(old.fingerprint))
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1])

    assert sample.faults() == [f"{short(old)}: its blob {old.fingerprint[:12]} is damaged"]


def flip_a_bit(content: bytes, _sample: Sample) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << random.randrange(8))]) + content[at + 1 :]


def cut_off_the_end(content: bytes, _sample: Sample) -> bytes:
    return content[: random.randrange(len(content))]


def insert_bytes(content: bytes, _sample: Sample) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice((b"\n", b" ", b"0", random.randbytes(9))) + content[at:]


def remove_bytes(content: bytes, _sample: Sample) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + content[at + random.randint(1, 3000) :]


def rearrange(content: bytes, _sample: Sample) -> bytes:
    """Deleted, duplicated, swapped, replayed: any other sequence of the same lines."""
    lines = content.splitlines(keepends=True)
    return b"".join(random.choices(lines, k=random.randint(COUNT - 2, COUNT + 2)))


def sign_anew(content: bytes, sample: Sample) -> bytes:
    """One record with another content, signed by a key that nobody trusts."""
    lines = content.splitlines()
    at = random.randrange(COUNT)
    statement = json.loads(b64decode(json.loads(lines[at])["payload"]))
    statement["predicate"]["summit"]["seconds"] = random.random()
    keys = Sample(sample.folder, whose="foreign keys").keys
    lines[at] = seal(statement, keys.keyid, keys.sign)
    return b"".join(line + b"\n" for line in lines)


def rebuild(content: bytes, sample: Sample) -> bytes:
    """The whole chain made anew from some record on, with the key that signed it."""
    lines = content.splitlines()
    at = random.randrange(COUNT)
    sample.write(*lines[:at])
    ledger = sample.ledger
    for number in range(at, random.randint(at + 1, COUNT + 1)):
        ledger.append(claim(attempt=number, seconds=random.random()))
    return sample.file.read_bytes()


def swap_signatures(content: bytes, _sample: Sample) -> bytes:
    lines = [json.loads(line) for line in content.splitlines()]
    one, other = random.sample(range(COUNT), 2)
    lines[one]["signatures"], lines[other]["signatures"] = (
        lines[other]["signatures"],
        lines[one]["signatures"],
    )
    written = (json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines)
    return "".join(f"{line}\n" for line in written).encode()


def rewrite_the_signature(content: bytes, _sample: Sample) -> bytes:
    lines = [json.loads(line) for line in content.splitlines()]
    (signature,) = random.choice(lines)["signatures"]
    signature["sig"] = b64encode(random.randbytes(64)).decode()
    written = (json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines)
    return "".join(f"{line}\n" for line in written).encode()


@pytest.mark.parametrize(
    ("alter", "times"),
    [
        (flip_a_bit, 2000),  # in two halves, for two workers
        (flip_a_bit, 2001),
        (cut_off_the_end, 1500),
        (insert_bytes, 1500),
        (remove_bytes, 1000),
        (rearrange, 1500),
        (sign_anew, 300),
        (rebuild, 200),
        (swap_signatures, 300),
        (rewrite_the_signature, 300),
    ],
)
def test_random_alterations_are_all_found(
    sample: Sample, records: list[Record], alter: Callable[[bytes, Sample], bytes], times: int
) -> None:
    """More than 10,000 altogether; `-p randomly -p "randomly_seed=N"` repeats a run."""
    original = sample.file.read_bytes()
    checkpoint = sample.verify().checkpoint
    keys = sample.keys
    for _ in range(times):
        altered = alter(original, sample)
        sample.file.write_bytes(altered)
        found = verify(Ledger(sample.folder / "ledger", keys), now=NOON, checkpoint=checkpoint)
        # What follows the last line is what a killed writer leaves: it is no record, and is said.
        is_only_longer = altered.startswith(original)
        assert not found or (is_only_longer and found.unfinished == len(altered) - len(original))


def test_a_pass_cannot_be_made_of_a_failure(sample: Sample) -> None:
    failed = sample.add(status=Status.FAILED)
    envelope = json.loads(failed.line)
    payload = b64decode(envelope["payload"]).replace(b"FAILED", b"PASSED")
    envelope["payload"] = b64encode(payload).decode()
    sample.write(json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode())

    assert sample.ledger.find(failed.fingerprint) is None
    assert not sample.verify()
