"""Making room: the oldest go first, what is needed stays, records always."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.ledger import Record
from pipelines.ledger.attest import Claim, attest
from pipelines.ledger.collect import YOUNG, Collected, collect
from pipelines.ledger.live import KEPT
from pipelines.ledger.record import PROVENANCE
from pipelines.step import Status
from tests.pipelines.ledger.sample import NOON, Sample

LONG_AGO = NOON - KEPT - timedelta(days=1)


def add(sample: Sample, inputs: str, *, hours: float, **result: object) -> Record:
    """A record with a log of its own, whose blobs were put so many hours before noon."""
    ended = NOON - timedelta(hours=hours)
    log = sample.ledger.blobs.put(f"log of {inputs}".encode().ljust(1000))
    record = sample.add(inputs=inputs, log=log, ended=ended, **result)
    for digest in record.blobs:
        os.utime(sample.ledger.blobs.path(digest), (ended.timestamp(),) * 2)
    return record


def gc(sample: Sample, most: int = 0) -> Collected:
    return collect(sample.ledger, most=most, now=NOON)


def has_log(sample: Sample, record: Record) -> bool:
    return sample.ledger.blobs.holds(record.log)


def test_a_release_stays_with_what_it_is_made_of(sample: Sample) -> None:
    ledger = sample.ledger
    materials = ledger.blobs.put(b"what it is made of")
    made = Claim(
        "release", "system", {}, b"a release", kind=PROVENANCE, documents={"lock": materials}
    )
    record = attest(ledger, made)
    attest(ledger, made._replace(document=b"a later one"))
    later = record.summit["ended"]
    for digest in record.blobs:
        os.utime(ledger.blobs.path(digest), (0, 0))

    collect(sample.ledger, most=0, now=datetime.fromisoformat(later) + KEPT + timedelta(days=9))

    assert record.blobs == {record.fingerprint, materials}
    assert all(map(ledger.blobs.holds, record.blobs))


def test_nothing_goes_while_all_fits(sample: Sample) -> None:
    old, new = add(sample, "old", hours=900), add(sample, "new", hours=800)

    assert gc(sample, most=1_000_000).removed == 0
    assert has_log(sample, old)
    assert has_log(sample, new)


def test_the_oldest_go_first_and_no_more_than_must(sample: Sample) -> None:
    records = [add(sample, str(number), hours=900 - number) for number in range(4)]
    total = gc(sample, most=1_000_000).left_bytes

    done = gc(sample, most=total - 1)

    assert done.removed == 1
    assert [all(map(sample.ledger.blobs.holds, it.blobs)) for it in records] == [
        False,
        True,
        True,
        True,
    ]
    assert sample.verify()


def test_the_newest_the_newest_passed_and_the_newest_failed_stay(sample: Sample) -> None:
    old = add(sample, "1", hours=903)
    failed = add(sample, "2", hours=902, status=Status.FAILED)
    passed = add(sample, "3", hours=901)
    newest = add(sample, "4", hours=900)

    gc(sample)

    assert [has_log(sample, it) for it in (old, failed, passed, newest)] == [
        False,
        True,
        False,
        True,
    ]
    assert len(list(sample.ledger.records())) == 4
    assert sample.verify().collected == 2


def test_evidence_of_the_last_days_stays_for_whoever_comes_back_to_a_branch(
    sample: Sample,
) -> None:
    on_the_branch = add(sample, "branch", hours=48)
    add(sample, "main", hours=47)

    gc(sample)

    assert has_log(sample, on_the_branch)


def test_a_blob_whose_record_is_about_to_be_written_stays(sample: Sample) -> None:
    digest = sample.ledger.blobs.put(b"just put")
    os.utime(sample.ledger.blobs.path(digest), (NOON.timestamp(),) * 2)

    gc(sample)

    assert sample.ledger.blobs.holds(digest)


def test_a_blob_that_is_put_again_is_young_again(sample: Sample) -> None:
    digest = sample.ledger.blobs.put(b"log")
    os.utime(sample.ledger.blobs.path(digest), (0, 0))

    sample.ledger.blobs.put(b"log")

    assert Path(sample.ledger.blobs.path(digest)).stat().st_mtime > 0


def test_what_killed_writers_left_goes(sample: Sample) -> None:
    sample.add()
    incoming = sample.folder / "ledger" / "blobs" / "incoming"
    (incoming / "1.abandoned").write_bytes(b"half of a l")
    (incoming / "2.being-written").write_bytes(b"half of a l")
    before = (NOON - YOUNG - timedelta(minutes=1)).timestamp()
    os.utime(incoming / "1.abandoned", (before, before))
    os.utime(incoming / "2.being-written", (NOON.timestamp(),) * 2)

    done = gc(sample, most=1_000_000)

    assert (done.removed, done.freed) == (1, 11)
    assert [file.name for file in incoming.iterdir()] == ["2.being-written"]


def test_without_a_ledger_there_is_nothing_to_collect(sample: Sample) -> None:
    assert gc(sample) == Collected(0, 0, 0, 0)
